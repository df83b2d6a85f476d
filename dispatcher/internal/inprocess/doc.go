// Package inprocess calls a method that is registered in this process: the two ends of a stream that never leaves it.
//
// It differs from connect's own in-process transport in that the two sides share nothing: a sender's message is copied
// before Send returns, headers that would not cross the mesh do not get through, the handler's context has the caller's
// deadline and cancellation but none of its values, and a verdict is the other side's. A program cannot tell by what it gets
// whether the other end is here or on a peer.
//
// [Open] makes the caller's end. A unary call runs inside the caller's Receive, without a goroutine; the others run on one
// goroutine each, over two pipes without a buffer, that ends with the handler.
package inprocess
