package endpoint

import (
	"sync/atomic"
	"time"
)

// Bounds of what a failure counts as, in place of the time that it took.
const (
	// worse is how many times slower than the answers of the peer it is.
	worse = 10
	// WorseLeast and WorseMost bound that.
	WorseLeast = 250 * time.Millisecond
	WorseMost  = 10 * time.Second
)

// NotableLatency is the least latency that counts: peers whose answers take less are equally good.
const NotableLatency = time.Millisecond

// Endpoint is a service of a peer as calls from here have found it. It is written to by those who call it and by nobody else,
// and fills cache lines of its own. All methods are safe for concurrent use, and may be called on nil, where they do nothing.
type Endpoint struct {
	latency latency
	since   atomic.Int64 // when the first call came that waits, or an answer to any of them
	waiting atomic.Int32 // unary calls that wait for an answer
	row     atomic.Int32 // failures in a row
	// window counts calls since the last review: those that failed in the upper half, all in the lower.
	window atomic.Uint64
	until  atomic.Int64 // of its standing: 0 while it serves
	probed atomic.Bool  // likewise

	judge    judge
	peer     string
	present  bool     // it can be called now; the judge's
	standing standing // the judge's
	_        [32]byte
}

// judge decides what becomes of endpoints that fail. What it does it does seldom: it may take a lock.
type judge interface {
	// failed hears of the last of [Row] failures in a row, or of so many more.
	failed(e *Endpoint, now int64, why string)
	// slower reports whether other endpoints answer in half the time, which e did not answer in.
	slower(e *Endpoint, now int64, took float64) bool
	// review is asked for with each call, and looks at all endpoints now and then.
	review(now int64)
	// probe and proved begin and end a call that shows whether an endpoint serves again.
	probe(e *Endpoint, now int64) bool
	proved(e *Endpoint, now int64, outcome Outcome, why string)
	// tell is [Endpoint.Standing].
	tell(e *Endpoint, now int64) string
}

// Begin counts a unary call that is sent now.
func (e *Endpoint) Begin(now int64) {
	if e != nil && e.waiting.Add(1) == 1 {
		e.since.Store(now)
	}
}

// End takes in how a call that began then has ended now. why is the word for a failure.
func (e *Endpoint) End(now, began int64, outcome Outcome, why string) Outcome {
	if e == nil {
		return outcome
	}
	if e.waiting.Add(-1) > 0 && outcome != Abandoned && outcome != Late {
		e.since.Store(now)
	}
	took := float64(now - began)
	if outcome == Late && e.judge.slower(e, now, took) {
		outcome = Failed
	}
	e.observe(now, took, outcome)
	e.count(now, outcome, why)
	return outcome
}

// Note takes in how a call has ended whose time tells nothing: a stream, or one that could not begin.
func (e *Endpoint) Note(now int64, outcome Outcome, why string) {
	if e == nil {
		return
	}
	if outcome.bad() {
		e.observe(now, 0, outcome)
	}
	e.count(now, outcome, why)
}

// observe makes an outcome a latency.
func (e *Endpoint) observe(now int64, took float64, outcome Outcome) {
	switch known := e.latency.at(now); {
	case outcome.bad():
		took = max(took, min(max(worse*known, float64(WorseLeast)), float64(WorseMost)))
	case (outcome == Abandoned || outcome == Late) && took <= known:
		return // it would have taken longer
	}
	e.latency.observe(now, took)
}

// count counts what may eject the endpoint. An answer ends a row of failures.
func (e *Endpoint) count(now int64, outcome Outcome, why string) {
	switch outcome {
	case Answered:
		if e.row.Load() != 0 {
			e.row.Store(0)
		}
		e.window.Add(1)
	case Failed:
		e.window.Add(1<<32 | 1)
		if row := e.row.Add(1); row%Row == 0 {
			e.judge.failed(e, now, why)
		}
	}
	e.judge.review(now)
}

// Until is until when the endpoint is ejected, and from when on it gets probes; 0 while it serves.
func (e *Endpoint) Until() int64 { return e.until.Load() }

// Probed reports whether a probe is under way.
func (e *Endpoint) Probed() bool { return e.probed.Load() }

// Probe begins a probe of an endpoint whose ejection is over, unless another one is under way. Only one of several calls that ask
// at the same time is told true, and has to call Proved when it has ended.
func (e *Endpoint) Probe(now int64) bool { return e.judge.probe(e, now) }

// Proved ends a probe.
func (e *Endpoint) Proved(now int64, outcome Outcome, why string) {
	e.judge.proved(e, now, outcome, why)
}

// Standing says for people why calls avoid the endpoint, and until when; empty if they do not.
func (e *Endpoint) Standing(now int64) string {
	if e == nil || e.until.Load() == 0 {
		return ""
	}
	return e.judge.tell(e, now)
}

// Latency is how long an answer will take, as far as is known, in nanoseconds; 0 if nothing is. Calls that wait longer than
// answers took say more than these.
func (e *Endpoint) Latency(now int64) float64 {
	if e == nil {
		return 0
	}
	known := e.latency.at(now)
	if known > 0 && e.waiting.Load() > 0 {
		return max(known, float64(now-e.since.Load()))
	}
	return known
}

// Cost is what a call costs on a peer whose answers take so long, and on which so many calls run. share is what it can take
// of calls, where 1 is what the strongest of those can which it is compared with.
func Cost(latency float64, underWay int32, share float64) float64 {
	return max(latency, float64(NotableLatency)) * (float64(underWay)/share + 1)
}

// Load is how many calls run on a peer from here. It fills a cache line of its own.
type Load struct {
	atomic.Int32
	// Suspect tells that calls are under way and nothing has been heard of the peer for too long, see package routing.
	Suspect atomic.Bool
	_       [56]byte
}
