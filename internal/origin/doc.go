// Package origin tells where a call came from, and which web pages may call.
//
//	this machine  a client on loopback, or this process itself
//	foreign       anybody else: another machine, whoever a proxy on this machine asks for, a page of another site in a
//	              browser on this machine, another collector over a link
package origin
