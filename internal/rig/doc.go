// Package rig is what the programs have in common that try collectors as processes: internal/attack and internal/chaos.
//
// # Words
//
//	figure   what came of a try, a line on standard output that other programs read
//	process  a collector that runs beside the rig; what it takes of the machine is read from /proc
package rig
