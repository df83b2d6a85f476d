package ingress

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/collectiverpc/collective/dispatcher/internal/ingress/place"
)

// underway is what a stop waits for.
type underway struct {
	leaving atomic.Bool
	busy    counter // connections with a request that was not answered to its last byte, those that carry links aside
	staying counter // connections of HTTP/2 whose client has not got a GOAWAY
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
