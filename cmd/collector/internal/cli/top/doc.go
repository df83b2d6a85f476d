// Package top shows on a terminal what a collector is doing: rates, errors and latencies by peer and by method.
//
// # Words
//
//	series    the calls of the collector, of a peer or of a method, summed up
//	screen    what is shown, and what keys change about it; it does no I/O
//	look      asking the collector anew; it answers what to change in the screen
//	detail    one series over its last minute, with its last calls
package top
