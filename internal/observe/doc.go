// Package observe remembers what a collector saw, so that people can look at it: the last finished calls, rates and
// latencies over time, and the changes of the mesh.
//
// Words:
//
//	call      one finished call, told to [Recorder.Record] by whoever ran or forwarded it
//	ring      the last calls, in the order they finished; the oldest make room
//	series    counts and latencies of the calls of a method, with a peer, or of the collector
//	bucket    what happened in a series in one span of time: a second at first, ten seconds when it is older
//	change    a connection that came to another state
//	archive   calls and changes in a file, of earlier runs too, if the collector is to keep them
//	watcher   a reader with a place in the ring; one that is too slow loses the oldest calls and is told how many
//
// Recording takes no lock, and nobody waits for a watcher: they all read the same ring at their own pace, and their
// filters are evaluated there, after the call. Everything is bounded, see [Limits].
//
// # What is written where
//
// A call is written down twice when it ends: into the ring as it is, and into the counters of its series, which are atomic.
// Once a second whoever comes first, a call or a reader, turns the counters into buckets. The archive is written by a
// goroutine of its own that reads the ring like any watcher: [Recorder.Keep] starts it, [Recorder.Finish] ends it.
//
// Numbers of calls begin at 1 with each run of the process and name a call within that run only; the archive has the session
// beside them. Durations are nanoseconds, times in the file are nanoseconds since 1970, seconds of series are counted from
// the start of the recorder.
package observe
