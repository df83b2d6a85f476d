package network

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Cable is both directions between a site and the others. Its methods are safe for concurrent use.
type Cable struct{ in, out direction }

// In sets what happens to what comes to the site.
func (c *Cable) In(f Fault) { c.in.set(f) }

// Out sets what happens to what the site sends.
func (c *Cable) Out(f Fault) { c.out.set(f) }

// Both sets it for both directions.
func (c *Cable) Both(f Fault) { c.In(f); c.Out(f) }

// direction is one way of a cable. Only the reader of its packets asks for a turn.
type direction struct {
	fault atomic.Pointer[Fault]
	free  time.Time // when the last one has gone through
}

func (d *direction) set(f Fault) { d.fault.Store(&f) }

func (d *direction) now() Fault {
	if f := d.fault.Load(); f != nil {
		return *f
	}
	return Fault{}
}

// turn is how long a packet waits for its turn, and whether it is not lost.
func (d *direction) turn(bytes int, now time.Time) (wait time.Duration, passes bool) {
	f := d.now()
	if f.Lost > 0 && rand.Float64() < f.Lost {
		return 0, false
	}
	if f.BitsPerSecond == 0 {
		return 0, true
	}
	if d.free.Before(now) {
		d.free = now
	}
	if wait = d.free.Sub(now); wait > f.delay(quantum) {
		return 0, false // the buffer is full
	}
	d.free = d.free.Add(f.delay(bytes))
	return d.free.Sub(now), true
}
