// Package serve is what the command serve adds to running a collector: its flags, what it says when it is up, its log, and the
// keys of its terminal.
package serve
