// Package localsocket is the unix socket by which the user who runs a collector, and root, operate it without a password.
//
//	socket     a unix socket in a directory that only one user may enter, named after the address at which the collector
//	           listens: its host, @ and its port
//	place      a directory for such sockets; the first of [places] that can be used is taken, a client looks into all
//	peer       who is at the other end of a connection, as the kernel says it
//	left over  a socket of a process that is gone: nobody listens there, and it is removed
//
// # Who gets in
//
// The directory has the mode 0700 and belongs to the user; another one is refused, and so is a symbolic link in its place.
// [Listen] asks the kernel for the peer of each connection and closes those of other users. A client looks at the owner of the
// directory and of the socket before it believes that a collector is behind it.
//
// Systems that do not tell the peer, or the owner of a file, have no such socket: [Listen] fails there.
package localsocket
