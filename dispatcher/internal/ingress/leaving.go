package ingress

import (
	"context"
	"net/http"
	"time"
)

// Leave has clients told from now on that they have to go elsewhere.
func (p *Port) Leave() { p.underway.leaving.Store(true) }

// sendAway asks the client of a request to close its connection while this collector leaves: over HTTP/2 that is a GOAWAY
// which lets calls that run end.
func (p *Port) sendAway(w http.ResponseWriter) {
	if p.underway.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
}

// Rest waits, after Leave, until every client that keeps a connection has been told with an answer or has nothing to ask, at most
// until ctx is done. When a server shuts down it closes connections of HTTP/1.1 that are idle and drops what they bring at that
// moment: their clients cannot know that it did not run.
func (p *Port) Rest(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for since := time.Now(); !p.underway.rested(since); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// SentAway waits, when the servers of this port shut down, until every client of HTTP/2 has got its GOAWAY, at most until ctx
// is done: what comes after it does not count.
func (p *Port) SentAway(ctx context.Context) { p.underway.staying.wait(ctx) }

// Finish waits until every request was answered to its last byte, those for links aside, at most until ctx is done.
func (p *Port) Finish(ctx context.Context) { p.underway.busy.wait(ctx) }

// Carry says that the connection of a request carries a link, until the function that it returns is called: it takes no place
// then, and no stop waits for it before the link ends.
func (p *Port) Carry(ctx context.Context) (end func()) {
	at := placeOf(ctx)
	if at == nil {
		return func() {}
	}
	end = at.Carry()
	p.underway.setBusy(at, false)
	return end
}
