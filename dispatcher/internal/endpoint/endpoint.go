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
	waiting atomic.Int32 // unary calls that wait for an answer
	since   atomic.Int64 // when the first of those came, or an answer to any of them
	_       [96]byte
}

// Begin counts a unary call that is sent now.
func (e *Endpoint) Begin(now int64) {
	if e != nil && e.waiting.Add(1) == 1 {
		e.since.Store(now)
	}
}

// End takes in how a call that began then has ended now.
func (e *Endpoint) End(now, began int64, outcome Outcome) {
	if e == nil {
		return
	}
	if e.waiting.Add(-1) > 0 && outcome != Abandoned && outcome != Late {
		e.since.Store(now)
	}
	e.learn(now, float64(now-began), outcome)
}

// Note takes in how a call has ended whose time tells nothing: a stream, or one that could not begin.
func (e *Endpoint) Note(now int64, outcome Outcome) {
	if e != nil && outcome.bad() {
		e.learn(now, 0, outcome)
	}
}

func (e *Endpoint) learn(now int64, took float64, outcome Outcome) {
	switch known := e.latency.at(now); {
	case outcome.bad():
		took = max(took, min(max(worse*known, float64(WorseLeast)), float64(WorseMost)))
	case (outcome == Abandoned || outcome == Late) && took <= known:
		return // it would have taken longer
	}
	e.latency.observe(now, took)
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
	_ [60]byte
}
