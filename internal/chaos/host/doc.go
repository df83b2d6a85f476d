// Package host is a program with a collector in it, as users of the library write one: it serves the work of the rig, and
// behaves as it is told.
//
//	host      a collector that serves chaos.v1.WorkService
//	command   a line of its standard input: "slow 2s", "fail unavailable", "heal". Its end ends the process
//	workers   how many calls a host works on at once. The others wait in its handlers, the longest first
//	crowd     many collectors in one process, whose catalogs change all the time
package host
