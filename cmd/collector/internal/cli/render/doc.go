// Package render prints what commands have to say: tables, TSV, JSON, JSON lines and names on stdout, notes for people and
// failures on stderr.
//
// # Words
//
//	view      what a command has to say, before it is known in which form
//	cell      a value in the form for people and in the form for programs
//	note      a line for people on stderr; stdout carries data and nothing else
package render
