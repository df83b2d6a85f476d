// Package contexts keeps named collectors in the user's configuration file, and gives flags their values.
//
// # Words
//
//	context   a named collector: the flags that say how it is asked, with their values
//	current   the context that is asked when nothing names one
package contexts
