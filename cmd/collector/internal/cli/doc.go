// Package cli is the command line of the collector: it parses, asks a collector over MeshService and
// CollectiveDispatcher, and prints. What a collector does itself is in package host, the demo in package demo.
//
// # Words
//
//	view      what a command has to say, before it is known in which form (table, TSV, JSON, JSON lines, names)
//	failure   why a command did not do it: exit code, what, why, and what to try next
//	session   the connection of one command to one collector
//	context   a named collector in the user's configuration file
//	note      a line for people on stderr; stdout carries data and nothing else
package cli
