// Command chaos gives collectors that run as processes bad days, and prints what their callers saw of them:
//
//	CHAOS name value unit
//
// A name with a suffix after a slash is a part of a figure: one kind of the fault. The figure follows its parts, and is judged
// by the table of bounds. The exit status is 1 if a bound is missed, and 3 if the machine was too busy to judge by.
// `-only f3` runs that test, `-keep DIR` leaves logs and ledgers there.
//
// # Words
//
//	test     one bad day: collectors of its own, load, a fault, and what is said of it
//	front    the collector that clients ask: the binary, built or given by -collector
//	host     a collector that serves: a program that uses the library (package host)
//	load     the calls of a test, at a fixed rate whatever becomes of them (package load)
//	ledger   what hosts ran and what clients saw (package ledger): the only witness
//	fault    what happens: to a process, to a host's handlers, or to a cable (package network)
//	control  the time of the same load before the fault. Figures are judged against it, and not at all if calls began late in it:
//	         the machine is too busy then
//	bound    what a figure may be. One that is open is printed and not judged, for a reason that the table has
package main
