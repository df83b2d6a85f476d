// Package socket takes the process at the other end of a unix socket for whom the kernel says that it is. Nothing is sent
// for it, and nothing can be forged: the kernel notes the user of a process when it connects.
//
// The user of this process, and root, are operators: they could read its memory and its files anyway. They are
// User::"uid:NAME" in the group operators. Every other user is refused; whoever is to have fewer rights uses another
// credential, over the network.
//
// [Peer] reads who it is on Linux (SO_PEERCRED) and macOS (LOCAL_PEERCRED). Elsewhere it fails, and so nobody is let in.
package socket
