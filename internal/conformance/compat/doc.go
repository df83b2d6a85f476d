// Package compat speaks with the test runner: messages on standard input and output, each after its size in four
// bytes, and the certificates that come in them.
package compat
