// Package admission decides whether a call of a method runs now, waits for a moment or is refused. It does no I/O.
//
//   - A [Gate] is before one method. It counts the calls that run, and is open to all of them until it has a limit.
//   - A [Pass] is a call that was let in. Some are timed; their latency and the number of calls among which they began are a
//     sample.
//   - A window is the samples of a short time, and a [summary] their medians.
//   - The governor of a gate makes a limit of the summaries, and takes it away.
//   - The line of a gate has the calls that wait for a place. The newest is let in first: it has the most time left.
//
// A limit refuses calls that would have been answered, if it is wrong. So there is none before three things are seen
// together, twice in a row:
//
//   - calls take more than twice as long as they do while few of them run,
//   - they take the longer the more of them run: a queue is behind the handler, and the calls that are let in wait in it,
//   - and it grows towards the deadlines: who is let in now would have spent a third of its time before it is answered.
//
// A method that waits for something else (a long poll, a lock of others, a database that became slow) takes as long among ten
// calls as among a thousand. That is learned as its latency, and it is not limited. Nor are calls without a deadline, nor what
// is answered within some milliseconds, nor eight calls of a method at once.
//
//	        over, twice, and the longer the more run            nobody waited or was refused for a second,
//	open ──────────────────────────────────────────► limited    or fewer calls take as long as many
//	  ▲                                              │  │ ▲
//	  └──────────────────────────────────────────────┘  └─┘ after each window: less if calls are slow, more if not
//
// Callers share one word of memory for each method, and no lock while there is no limit.
package admission
