// Package cli is the command line of the collector: it parses, asks a collector over MeshService and
// CollectiveDispatcher, and prints. A file is a command. What a command needs from others it gets when it is made: streams,
// a printer, the collector to ask, what completes its arguments.
//
// What a collector does itself is in package host, the demo in package demo. Below this package are its parts:
//
//	words, failure     short texts, and why a command did not do it; they know no other part
//	render             what is printed, and in which form
//	terminal, signals  streams, keys and the browser beside them; what to do when a terminal goes away
//	envflag, contexts  where flags have their values from, beside the command line
//	remote             the connection with a collector, and why there is none
//	schema, call       messages by a collector's descriptors, and calls with them
//	image              schemas in files, and registering them
//	completion         what may come next on a command line
//	bench, serve, top  the commands that are larger than a file
package cli
