package ingress

import (
	"context"
	"net/http"
	"sync/atomic"
)

// underway is the requests that are being answered, those for links aside.
type underway struct {
	count   atomic.Int64
	leaving atomic.Bool
	none    chan struct{} // holds a token when there were none while somebody waits
}

// Begin notes a request. While this collector leaves, its answer asks the client to close the connection: over HTTP/2 that is
// a GOAWAY which lets calls that run end. [Port.End] must be called.
func (p *Port) Begin(w http.ResponseWriter) {
	p.underway.count.Add(1)
	if p.underway.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
}

// End notes that a request was answered.
func (p *Port) End() {
	if p.underway.count.Add(-1) > 0 || !p.underway.leaving.Load() {
		return
	}
	select {
	case p.underway.none <- struct{}{}:
	default: // one token is enough
	}
}

// Leave has clients told from now on that they have to go elsewhere.
func (p *Port) Leave() { p.underway.leaving.Store(true) }

// Finish waits, after [Port.Leave], until no request is being answered, at most until ctx is done.
func (p *Port) Finish(ctx context.Context) {
	for p.underway.count.Load() > 0 {
		select {
		case <-p.underway.none:
		case <-ctx.Done():
			return
		}
	}
}
