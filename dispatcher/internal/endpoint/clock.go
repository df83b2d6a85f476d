package endpoint

import "time"

// Clock counts nanoseconds from when it was made, so that a time is one word. It never goes back.
type Clock struct{ base time.Time }

// NewClock makes a clock.
func NewClock() Clock { return Clock{time.Now().Add(-time.Second)} } // no time that it tells is zero

// Now is the time.
func (c Clock) Now() int64 { return int64(time.Since(c.base)) }

// At is a time of another kind of clock. It must have been read in this process.
func (c Clock) At(t time.Time) int64 { return int64(t.Sub(c.base)) }

// Time is what a time is to people.
func (c Clock) Time(at int64) time.Time { return c.base.Add(time.Duration(at)) }
