// Package endpoint knows how well peers serve: what calls from here have found of each. It does no I/O and reads no clock.
//
//   - An [Endpoint] is one service of one peer. It has the latency of its answers, smoothed and sensitive to peaks, and the calls
//     that wait for one. [Cost] makes of both, and of what else the peer runs, the one number by which peers are compared.
//   - A [Load] is what runs on a peer from here, whatever its services.
//   - A [Group] is the endpoints of one service.
//   - An [Outcome] is what the end of a call tells of the peer. What a handler says of its input tells nothing: it has answered.
//
// Times are nanoseconds of one [Clock]. Callers share no lock and write only to memory of the peer that they call.
package endpoint
