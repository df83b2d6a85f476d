package ingress

import (
	"context"
	"net/http"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/ingress/exchange"
)

// GuardBody returns a copy of a request, with a context, whose messages are bounded, and its exchange. hurry is whether the
// whole body must keep coming, not only each message of it.
func (p *Port) GuardBody(ctx context.Context, w http.ResponseWriter, r *http.Request, hurry bool) (*http.Request, *exchange.Exchange) {
	e := exchange.Of(w)
	r = r.WithContext(ctx)
	e.Hurry(hurry)
	if r.Body == nil || r.Body == http.NoBody {
		return r, e
	}
	body, whole := r.Body.(*exchange.Body)
	if !whole { // it came as text
		body = e.Decoded(r.Body)
		r.Body = body
	}
	framed := isFramed(r.Header.Get("Content-Type"))
	compressed := !framed && r.Header.Get("Content-Encoding") == connect.CompressionNameGzip
	body.Bound(p.limits.RequestBytes, framed, r.ContentLength, compressed)
	return r, e
}
