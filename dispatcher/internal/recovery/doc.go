// Package recovery makes errors of what must not end the process, or leave it: panics, and the errors of other collectors'
// handlers that a handler here answers with and has not passed on.
package recovery
