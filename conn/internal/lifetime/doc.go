// Package lifetime owns the goroutines of a manager: all are waited for, and none begins once the end has begun.
//
// # Words
//
//	life        from the first operation to an end. An end that is not final leaves room for another life
//	operation   what a caller runs: it ends early when the life does
//	background  what runs through a life, once, beside all operations
//	closing     nothing new is taken on
//
// The lock of a [Lifetime] is held for moments only, never over a call of anything else.
package lifetime
