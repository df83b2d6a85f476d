package ingress

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/ingress/place"
)

// underway is what a stop waits for.
type underway struct {
	leaving atomic.Bool
	busy    counter // connections with a request that was not answered to its last byte, those that carry links aside
	staying counter // connections of HTTP/2 whose client has not got a GOAWAY

	mu   sync.Mutex
	open map[*place.Place]struct{} // connections
}

const (
	// quiet is how long a connection must have had no request to be closed without a word: who sends more often is told to go
	// elsewhere with an answer first.
	quiet = 250 * time.Millisecond
	// pollEvery is how often connections are looked at.
	pollEvery = 5 * time.Millisecond
)

// rested reports whether no connection has a request, has brought one that nobody has read yet, or may bring one soon, those that
// carry links aside. since is when their clients began to be told.
func (u *underway) rested(since time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	told := time.Since(since) >= quiet
	for at := range u.open {
		if !at.Carries() && !(told && at.Rests(quiet)) {
			return false
		}
	}
	return true
}

// count keeps the connections that are open.
func (u *underway) count(at *place.Place, state http.ConnState) {
	if state != http.StateNew && state != http.StateClosed && state != http.StateHijacked {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.open[at] = struct{}{}
		return
	}
	delete(u.open, at)
}

// counter counts, and tells when there is none.
type counter struct {
	count atomic.Int64
	none  chan struct{} // holds a token when there were none
}

func (c *counter) add(n int64) {
	if c.count.Add(n) > 0 {
		return
	}
	select {
	case c.none <- struct{}{}:
	default: // one token is enough
	}
}

// wait waits until there are none, at most until ctx is done.
func (c *counter) wait(ctx context.Context) {
	for c.count.Load() > 0 {
		select {
		case <-c.none:
		case <-ctx.Done():
			return
		}
	}
}

// follow is the ConnState of a server.
func (u *underway) follow(conn net.Conn, state http.ConnState) {
	if at := place.Of(conn); at != nil {
		u.count(at, state)
		u.setBusy(at, state == http.StateActive && !at.Carries())
	}
}

func (u *underway) setBusy(at *place.Place, busy bool) {
	if !at.SetBusy(busy) {
		return
	}
	if busy {
		u.busy.add(1)
		return
	}
	u.busy.add(-1)
}
