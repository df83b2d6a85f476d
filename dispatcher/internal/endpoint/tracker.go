package endpoint

import "sync/atomic"

// Tracker is what all that is known of peers has in common: the clock, and who is told when one is ejected. It is safe for
// concurrent use.
type Tracker struct {
	Clock
	told    func(Event)
	version atomic.Uint64
}

// NewTracker makes a tracker. told hears of each event, from many goroutines, on the way of a call; nil for nobody.
func NewTracker(told func(Event)) *Tracker {
	if told == nil {
		told = func(Event) {}
	}
	return &Tracker{Clock: NewClock(), told: told}
}

// Event is that calls avoid an endpoint from now on, or do so no longer.
type Event struct {
	Peer, Namespace, Service string
	// Standing is why, and until when; empty if the endpoint is back.
	Standing string
}

// Version changes whenever another order of peers may follow from what is known of them. It is read by every call, and written
// seldom.
func (t *Tracker) Version() uint64 { return t.version.Load() }

// Changed makes all orders of peers be made anew.
func (t *Tracker) Changed() { t.version.Add(1) }
