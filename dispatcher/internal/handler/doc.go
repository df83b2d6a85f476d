// Package handler makes what connect runs of what a program registers: a [connect.ServerFunc] of the methods of a Go value,
// which [Bind] finds by reflection, of a function from one message to another, by [Unary], or of one that knows no messages
// at all, an [Untyped].
package handler
