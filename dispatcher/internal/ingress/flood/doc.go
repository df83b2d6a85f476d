// Package flood bounds what the frames of an HTTP/2 connection cost that bring no call forward.
//
// Words:
//
//	useful    a frame that brings a call forward: one that opens a stream, has bytes of a message, or ends an answer
//	nuisance  any other: the protocol needs some, and has no bound for them
//	cost      of a nuisance, about what it costs a server, in microseconds of CPU
//	credit    what a connection may cost: [Burst] at first, [PerSecond] more each second, and some for each useful frame, since
//	          clients acknowledge, ping and cancel by what they are told
//	meter     follows the frames of a connection both ways, below the HTTP/2 server, and keeps its credit
//
// A connection without credit is told so by GOAWAY with ENHANCE_YOUR_CALM, and closed. So are those whose frame, or block of
// headers, does not come to its end. What is known of each kind of flood:
//
//	PING, SETTINGS, PRIORITY, unknown     nuisances
//	empty DATA, CONTINUATION              nuisances; DATA counts without its padding
//	tiny WINDOW_UPDATE                    nuisances, as any: frames of answers earn some
//	rapid reset                           RST_STREAM before the answer has ended costs as much as the call it began
//	MadeYouReset                          RST_STREAM that the server sends costs as much
//	large blocks of headers               each KiB beyond what clients have
//	window 0                              the meter tells that the client takes little: see package exchange
//
// The meter knows nothing of the server: it is a [net.Conn] around another, and its rules are those of an HTTP/2 server of
// any make, which may as well call [Meter.In] and [Meter.Out] itself.
package flood
