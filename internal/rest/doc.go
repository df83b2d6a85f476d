// Package rest slows down long work that nobody waits for, so that short work comes first.
//
// # Words
//
//	step  a piece of the work that takes microseconds
//	rest  a pause between two steps, in which the processor is for others
//
// Goroutines have no priority, and a thread that computes for long is one that the system runs late when it has something
// urgent to do. Work that rests for longer than it has worked does not become such a thread.
package rest
