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

// Leave has clients told from now on that they have to go elsewhere.
func (p *Port) Leave() { p.underway.leaving.Store(true) }

// sendAway asks the client of a request to close its connection while this collector leaves: over HTTP/2 that is a GOAWAY
// which lets calls that run end.
func (p *Port) sendAway(w http.ResponseWriter) {
	if p.underway.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
}

// SentAway waits, when the servers of this port shut down, until every client of HTTP/2 has got its GOAWAY, at most until ctx
// is done: what comes after it does not count.
func (p *Port) SentAway(ctx context.Context) { p.underway.staying.wait(ctx) }

// Finish waits until every request was answered to its last byte, those for links aside, at most until ctx is done.
func (p *Port) Finish(ctx context.Context) { p.underway.busy.wait(ctx) }

// follow is the ConnState of a server.
func (p *Port) follow(conn net.Conn, state http.ConnState) {
	if at := place.Of(conn); at != nil {
		p.setBusy(at, state == http.StateActive && !at.Carries())
	}
}

func (p *Port) setBusy(at *place.Place, busy bool) {
	if !at.SetBusy(busy) {
		return
	}
	if busy {
		p.underway.busy.add(1)
		return
	}
	p.underway.busy.add(-1)
}
