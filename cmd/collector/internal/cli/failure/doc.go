// Package failure is why a command did not do it, for people and for programs.
//
// # Words
//
//	failure   an [Error]: what, why, and what to try next, with the exit code
//	code      a word for programs: a Connect code name, or usage, unreachable, canceled, failed
//	detail    a message that the handler of a call sent with its error
package failure
