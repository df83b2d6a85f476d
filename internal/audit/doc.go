// Package audit remembers what was done with rights, and what was denied: in the log of the program, in memory, and in the file of
// the collector if it has one.
//
//	event    something that was done with a right, or denied, with who asked and which policies decided
//	row      an event as it is kept; denied events that are equal and close together are one row with a count
//	flood    more different denials of one caller than are kept one by one; the rest of them is one row
//	missed   a row that was dropped because the disk could not take it; it is counted
//
// A row is written when it is new and again when it was counted up, by its number: the last count wins. Numbers go on over restarts,
// so that whoever follows the log asks for what comes after the last one seen. Times are those of the events, which may come
// a moment out of order from different goroutines; the order of rows is that of their numbers.
//
// What is allowed is never put together: each row of it may have details of its own, such as the address that was dialled.
//
// The program's log has a row once, when it is new: `done` at level info, `denied` at level warn, with all of it in the group audit.
//
// [Log.Record] takes a lock for a moment and does no I/O: a goroutine of the log writes. Everything is bounded, see the constants.
// An event has no secrets: whoever records one leaves them out.
package audit
