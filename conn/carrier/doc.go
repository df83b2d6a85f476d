// Package carrier opens the byte streams that links run on, on the collector's own port, so that TLS, proxies and firewalls
// see one thing. It knows no link, and a link does not know it.
//
// Words:
//
//	carrier   a way to get one byte stream to another collector, in both directions at once
//	upgrade   the first carrier: an HTTP/1.1 Upgrade. The connection itself becomes the stream
//	carry     the second: an RPC over HTTP/2 whose messages are chunks of the stream, for ways on which something refuses
//	          the upgrade
//
// Both ends of a carrier are here: [DialUpgrade] and [AcceptUpgrade], [DialCarry] and [Handler]. Who dials tries the upgrade
// and, if that is [ErrRefused], the other.
package carrier
