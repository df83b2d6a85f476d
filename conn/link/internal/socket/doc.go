// Package socket is what a link does with the socket below its stream: find it, write several pieces to it at once, and
// bound what the kernel holds of it.
//
// Words:
//
//	wrapper  a stream around a connection that leaves what is written as it is
//	unsent   bytes that the kernel has taken from this process and not sent yet
package socket
