package conn

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/conn/internal/introduction"
	"github.com/collectiverpc/collective/conn/internal/lifetime"
	origins "github.com/collectiverpc/collective/internal/origin"
)

// admission says which links there may be: as many as the limits allow, from those who prove who they are. Each admitted
// link holds a slot. All methods are safe for concurrent use.
type admission struct {
	self   string
	limits Limits
	proof  identity.Prover
	proves bool // links have to prove by a secret or a certificate that they belong to the mesh
	life   *lifetime.Lifetime
	logger *slog.Logger

	mu       sync.Mutex
	links    int            // admitted: those that are up and those on the way to be
	unagreed map[string]int // accepted links without an agreement, by address
}

// origin is how the stream of a link came about.
type origin struct {
	dialed bool   // by this collector
	from   string // the address it was accepted from, or was dialled at
	way    identity.Way
	values context.Context //nolint:containedctx // of the request that opened an accepted link, for what it knows of the other end
	proven string          // the collector that the certificate of the other end names; empty without WithIdentity
	slot   *slot           // its place among the links there may be
}

// slot is the place of one link among those there may be.
type slot struct {
	of   *admission
	from string // empty for a link that this collector dials

	// Guarded by admission.mu.
	agreed, free bool
}

// admit gives a link a slot, or refuses it. from is empty for a link that this collector dials.
func (a *admission) admit(from string) (*slot, error) {
	if _, closing := a.life.Closing(); closing {
		return nil, a.life.Stopping()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.links >= a.limits.Links:
		return nil, connect.Errorf(connect.CodeResourceExhausted, "collector %q has %d links, which is all it may have", a.self, a.limits.Links)
	case from != "" && a.unagreed[from] >= a.limits.UnagreedPerIP:
		return nil, connect.Errorf(connect.CodeResourceExhausted,
			"%d links from %s wait for their agreement already: finish those first", a.limits.UnagreedPerIP, from)
	}
	a.links++
	if from != "" {
		a.unagreed[from]++
	}
	return &slot{of: a, from: from, agreed: from == ""}, nil
}

// agree notes that the link is on the way to its agreement no longer.
func (s *slot) agree() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.agreeLocked()
}

func (s *slot) agreeLocked() {
	if s.agreed {
		return
	}
	s.agreed = true
	if s.of.unagreed[s.from]--; s.of.unagreed[s.from] <= 0 {
		delete(s.of.unagreed, s.from)
	}
}

// release gives the slot back. Giving it back twice is no error.
func (s *slot) release() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	if s.free {
		return
	}
	s.free = true
	s.of.links--
	s.agreeLocked()
}

// admitFrom admits a link that somebody else has dialled, or refuses it. header is that of the request: a proxy on this
// machine says by it that it asks for somebody else.
func (a *admission) admitFrom(address string, state *tls.ConnectionState, header func(name string) string) (o origin, err error) {
	o.from = introduction.Host(address)
	if o.way, err = identity.WayOf(address, state); err != nil {
		return o, connect.NewError(connect.CodeFailedPrecondition, err.Error())
	}
	if !a.proves && (!o.way.Loopback || origins.Forwarded(header)) {
		a.logger.Warn("a link from another machine was refused, as nothing would prove who it is", "from", o.from)
		return o, connect.Errorf(connect.CodePermissionDenied, "collector %q takes links from other machines only with a mesh secret or with certificates, "+
			"and has neither: start both ends with the same --mesh-secret-file, or with --trust-domain", a.self).WithCause(errLocalOnly)
	}
	if o.proven, err = a.proof.Identify(state); err != nil {
		a.logger.Info("link refused", "from", o.from, "error", err)
		return o, err
	}
	o.slot, err = a.admit(o.from)
	return o, err
}

// doorway takes links in over HTTP, by either carrier.
type doorway struct {
	admission *admission
	carried   http.Handler
	welcome   func(stream io.ReadWriteCloser, o origin)
}

func newDoorway(a *admission, welcome func(stream io.ReadWriteCloser, o origin)) *doorway {
	d := &doorway{admission: a, welcome: welcome}
	d.carried = carrier.Handler(d.admitCarried)
	return d
}

func (d *doorway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == carrier.CarryPath {
		d.carried.ServeHTTP(w, r)
		return
	}
	o, err := d.admission.admitFrom(r.RemoteAddr, r.TLS, r.Header.Get)
	o.values = context.WithoutCancel(r.Context())
	if err != nil {
		refuseUpgrade(w, err)
		return
	}
	stream, err := carrier.AcceptUpgrade(w, r)
	if err != nil {
		o.slot.release()
		return
	}
	d.welcome(stream, o)
}

func refuseUpgrade(w http.ResponseWriter, err error) {
	switch connect.CodeOf(err) {
	case connect.CodeUnauthenticated:
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	case connect.CodePermissionDenied, connect.CodeFailedPrecondition:
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}

// admitCarried admits a link by the second carrier.
func (d *doorway) admitCarried(ctx context.Context) (take func(io.ReadWriteCloser), err error) {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return nil, connect.NewError(connect.CodeInternal, "the call has no CallInfo")
	}
	o, err := d.admission.admitFrom(info.PeerAddr, tlsOf(ctx), info.RequestHeader().Get)
	if err != nil {
		return nil, err
	}
	o.values = context.WithoutCancel(ctx)
	return func(stream io.ReadWriteCloser) { d.welcome(stream, o) }, nil
}

// tlsOf is the state of the TLS connection that a call came over; nil if there is none.
func tlsOf(ctx context.Context) *tls.ConnectionState {
	info, _ := connecthttp.ServerInfoForContext(ctx)
	return info.TLS()
}
