// Package terminal is where a command reads and writes: streams, the keys of a terminal in raw mode, and the browser beside
// it.
package terminal
