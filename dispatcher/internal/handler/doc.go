// Package handler makes what connect runs of what a program registers: a [connect.ServerFunc] of the methods of a Go value,
// which [Bind] finds by reflection, or of a function from one message to another, by [Unary]. It is a leaf.
package handler
