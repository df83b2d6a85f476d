package dispatcher

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/dispatcher/internal/authz"
	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/entrance"
	"github.com/collectiverpc/collective/dispatcher/internal/health"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/exchange"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/internal/origin"
	"github.com/collectiverpc/collective/mesh"
)

// front takes every request that is for the collector to where it belongs.
type front struct {
	port     *ingress.Port
	probes   *health.Probes
	own      *ownServices
	conns    *conn.Manager
	native   *entrance.Native
	observer *call.Observer
	views    *call.Views
	access   *authz.Authorizer
}

func (f *front) ServeHTTP(w http.ResponseWriter, asked *http.Request) {
	if refused := ingress.CheckProtocol(asked); refused != nil {
		f.port.Refuse(w, asked, refused)
		return
	}
	if isLink(asked) { // whose limits are the link's own
		if exchange := exchange.Of(w); exchange != nil {
			exchange.Hurry(false)
		}
		defer f.port.Carry(asked.Context())()
		f.conns.ServeHTTP(w, asked)
		return
	}
	if f.probes.Answer(w, asked) {
		return
	}
	r, refused := ingress.NarrowReflection(asked)
	if refused != nil {
		f.port.Refuse(w, asked, refused)
		return
	}
	own := f.own.current.Load()
	if own.Claims(r.URL.Path) {
		f.serveOwn(w, r, own)
		return
	}
	caller, refused := f.callerOf(r, observe.Native)
	if refused != nil {
		f.port.Refuse(w, r, refused)
		return
	}
	f.native.Serve(w, r, caller)
}

// serveOwn answers a request for a service of the collector itself, once it is clear who asks and that this caller may.
func (f *front) serveOwn(w http.ResponseWriter, r *http.Request, own *ingress.Services) {
	procedure := r.URL.Path
	caller, refused := f.callerOf(r, authz.EntranceOf(procedure))
	if refused == nil {
		r = r.WithContext(access.WithCaller(r.Context(), caller))
		refused = f.access.Service(r.Context(), caller, procedure, r.Header.Get(mesh.HeaderNamespace))
	}
	if refused != nil {
		f.port.Refuse(w, r, refused)
		return
	}
	f.port.Serve(own, w, r)
}

// callerOf is who asks. A connection whose client is known does not count as one of a stranger's.
func (f *front) callerOf(r *http.Request, entrance observe.Entrance) (*access.Caller, *refusal.Refusal) {
	caller, refused := f.access.OfRequest(r, entrance)
	if refused == nil && caller.Principal != access.Nobody {
		ingress.Vouch(r.Context())
	}
	return caller, refused
}

// isLink reports whether a request is to begin a link.
func isLink(r *http.Request) bool {
	return r.URL.Path == carrier.UpgradePath || r.URL.Path == carrier.CarryPath
}

// observeRefusal tells of a request that was refused before it was a call.
func (f *front) observeRefusal(r *http.Request, procedure string, err error) {
	namespace := ""
	if asked := call.RequestOf(r.Context()); asked != nil {
		namespace = asked.Namespace
	}
	f.observer.Refused(r.Context(), r.RemoteAddr, namespace, procedure, f.views.Now().Route, err)
}

// around is a handler around another one.
type around func(http.Handler) http.Handler

// behind is everything that is served on the port, down to f: the console, then what guards it, innermost first, then CORS, then
// gRPC-Web as text, then the collector.
func (f *front) behind(console Console, origins []string, pages *origin.Pages, guards []around) (http.Handler, error) {
	all := ingress.WebText(f)
	if len(origins) > 0 {
		all = ingress.CORS(all, origins, pages)
	}
	for _, guard := range guards {
		all = guard(all)
	}
	if console == nil {
		return f.port.Watch(all, isLink), nil
	}
	all, err := console.Mount(all, origins)
	if err == nil && all == nil {
		err = errors.New("its Mount returned no handler")
	}
	if err != nil {
		return nil, fmt.Errorf("dispatcher.WithConsole: %w", err)
	}
	return f.port.Watch(all, isLink), nil
}
