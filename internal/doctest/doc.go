// Package doctest runs the commands that the documents show and compares what they print. It has no code but its tests.
//
// A fenced block marked console holds commands and their output, stdout and stderr as on a terminal:
//
//	$ command          run in a directory that has bin/collector; with & at its end, in the background
//	output             must be what the command prints, numbers and time units aside
//	…                  stands for any number of lines, within one for any text
//
// A command that must fail is followed by `echo $?` and its status. A command in the background must print its lines while it runs; others may come between them.
//
// A block marked sh holds commands of which only the success is checked. A block below a line that is nothing but a path and
// a colon is the file of that path.
package doctest
