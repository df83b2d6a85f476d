// Package endpoint knows how well peers serve: what calls from here have found of each. It does no I/O, and reads no clock but for
// the times that people read.
//
//   - An [Endpoint] is one service of one peer. It has the latency of its answers, smoothed and sensitive to peaks, and the calls
//     that wait for one. [Cost] makes of both, and of what else the peer runs, the one number by which peers are compared.
//   - A [Load] is what runs on a peer from here, whatever its services.
//   - A [Group] is the endpoints of one service. It ejects those that fail: calls avoid them for a time, and then probes find out
//     whether they serve again. A probe is a call like any other, but one at a time.
//   - An [Outcome] is what the end of a call tells of the peer. What a handler says of its input tells nothing: it has answered.
//   - A [Tracker] is what all groups of a collector have in common: the clock, and who hears of ejections.
//
// Times are nanoseconds of one [Clock]. Callers share no lock and write only to memory of the peer that they call.
//
// The standing of an endpoint:
//
//	             Row failures in a row, or far more than the others
//	┌─────────┐  and at most half are out then                    ┌─────────┐
//	│ serving ├──────────────────────────────────────────────────▶│ ejected │◀─────────┐
//	└─────────┘                                                   └────┬────┘          │
//	     ▲                                10 s × ejections in a row    │               │
//	     │            Proofs probes in a row went well            ┌────▼────┐  failed  │
//	     └────────────────────────────────────────────────────────┤  over   ├──────────┤
//	                                                              └─┬─────▲─┘          │
//	                                                        a call  │     │ went well, │
//	                                                              ┌─▼─────┴─┐ or tells │
//	                                                              │ probed  │ nothing  │
//	                                                              └────┬────┘          │
//	                                                                   └───────────────┘
//	                                                                         failed
package endpoint
