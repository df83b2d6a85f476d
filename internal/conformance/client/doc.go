// Package client is the client under test: a generated client over the transport of a collector in this process. Its
// calls cross the link to a second collector in another process, which package relay lets pass them on to the suite's
// reference server, in the protocol, codec and compression of the case:
//
//	generated client ─ transport of A ═ link ═ B ─ connect-go client ─ HTTP ─▶ reference server
//
// What the reference server observes and answers is judged as if A's client had spoken with it itself. That protocol,
// HTTP version and TLS are B's client's is in the nature of the thing: between A and B there is none of these.
package client
