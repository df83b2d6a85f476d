// Package pace limits how often something is done.
//
//	bucket   tokens of one principal under one policy: they come at a steady pace, and some may be saved
//	table    the buckets of all, found by key; bounded
//	idle     a bucket that has all the tokens it can hold: it may be forgotten, since a new one would be the same
//
// A bucket is one number, the time at which it will be idle, as the generic cell rate algorithm of ATM has it (ITU-T I.371).
// Taking a token is a load and a compare-and-swap: no lock, no allocation.
package pace
