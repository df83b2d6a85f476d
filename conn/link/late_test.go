package link_test

import (
	"sync/atomic"
	"testing"
	"time"
)

// lateness watches how late this process is run. On real time nothing can be said to take so long at most: a link gives its
// peer more time, up to 15 s, when its own ticks come late. That takes 3 s, and not more, is for tests on fake time.
type lateness struct{ most atomic.Int64 }

// watchLateness watches until the test ends.
func watchLateness(t *testing.T) *lateness {
	var l lateness
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
	go func() {
		defer close(stopped)
		const step = 5 * time.Millisecond
		for due := time.Now().Add(step); ; due = time.Now().Add(step) {
			select {
			case <-time.After(time.Until(due)):
				l.most.Store(max(l.most.Load(), int64(time.Since(due))))
			case <-stop:
				return
			}
		}
	}()
	return &l
}

// within is how long it may take to notice a silent peer: a second more than [noticed] on a machine that runs this process
// when it should, and what a link waits at most, plus that second, on one that was late by half of what a link overlooks.
func (l *lateness) within() time.Duration {
	if time.Duration(l.most.Load()) < 25*time.Millisecond {
		return noticed + time.Second
	}
	return 15*time.Second + noticed + time.Second
}
