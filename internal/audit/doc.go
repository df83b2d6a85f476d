// Package audit remembers what was done with rights, and what was denied: in the log of the program, in memory, and in the file of
// the collector if it has one.
//
//	event    something that was done with a right, or denied, with who asked and which policies decided
//	row      an event as it is kept; denied events that are equal and close together are one row with a count
//	flood    more different denials of one caller than are kept one by one; the rest of them is one row
//	missed   a row that was dropped because the disk could not take it; it is counted
//
// [Log.Record] takes a lock for a moment and does no I/O: a goroutine of the log writes. Everything is bounded, see the constants.
// An event has no secrets: whoever records one leaves them out.
package audit
