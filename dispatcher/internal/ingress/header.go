package ingress

import (
	"net/http"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// largeHeader is what is so large that the meter of an HTTP/2 connection may have counted it.
const largeHeader = 4 << 10

// headerOverhead is what each header counts for beside its name and value, as in HTTP/2 (RFC 9113, 6.5.2).
const headerOverhead = 32

// headerRoom is what net/http reads of a header, so that it can be refused. Beyond it net/http refuses by itself, and in
// HTTP/2 it can do so only by ending the connection when one header alone is larger.
func (l Limits) headerRoom() int { return max(http.DefaultMaxHeaderBytes, 2*l.HeaderBytes) }

// BoundHeaders refuses requests with more headers than the limit, each alone.
func (p *Port) BoundHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, fields := headerSize(r)
		if size > largeHeader {
			if at := placeOf(r.Context()); at != nil {
				at.Large(size, fields)
			}
		}
		if size > p.limits.HeaderBytes {
			p.Refuse(w, r, p.limits.headerTooLarge(size))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (l Limits) headerTooLarge(size int) *refusal.Refusal {
	r := refusal.New(connect.CodeResourceExhausted, mesh.ReasonTooLarge,
		"the request has "+refusal.Bytes(size)+" of headers, at most "+refusal.Bytes(l.HeaderBytes)+" are taken; send less, or data in the message")
	r.Status = http.StatusRequestHeaderFieldsTooLarge
	return r
}

// headerSize is what the header of a request counts for, and of how many fields it is.
func headerSize(r *http.Request) (size, fields int) {
	size = len(r.Method) + len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		fields += len(values)
		for _, value := range values {
			size += len(name) + len(value) + headerOverhead
		}
	}
	return size, fields
}
