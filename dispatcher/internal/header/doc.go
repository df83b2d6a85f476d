// Package header decides which headers of a call cross the mesh. A header is a call's own or it belongs to one connection,
// one encoding of a message, a protocol, the browser or the mesh itself: [Passes] knows the difference, and everything that
// gives headers on, in any direction, asks it.
//
// It is a leaf.
package header
