package browser

import (
	"net/http"
	"net/netip"
	"slices"

	"github.com/collectiverpc/collective/internal/origin"
	"github.com/collectiverpc/collective/mesh"
)

// Guard is what a collector is called, and which pages may ask it.
type Guard struct {
	// Names are known host names, without port.
	Names []string
	// Pages are those of listed origins, and the collector's own.
	Pages *origin.Pages
	// SitesElsewhere is whether other sites are refused by somebody behind the guard, as CORS does in the form of an RPC.
	SitesElsewhere bool
}

// Before guards a handler.
func (g *Guard) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if problem := g.judge(r); problem != "" {
			http.Error(w, "refused: "+problem, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// judge says what is wrong with a request, or "".
func (g *Guard) judge(r *http.Request) string {
	fromPage := origin.FromBrowser(r)
	if !fromPage && !(origin.MayBeBrowser(r) && origin.ArrivedOnLoopback(r)) || g.Pages.Lists(r) {
		return ""
	}
	if !g.knows(r) {
		name := origin.Hostname(r.Host)
		return "this collector is not called " + name + "; address it by an IP address, or list the name: " +
			"collector serve --console-host " + name + ", or dispatcher.WithHosts"
	}
	if g.SitesElsewhere || opensLogin(r) {
		return ""
	}
	if err := g.Pages.Check(r); err != nil {
		return "a page of another site asks; list its origin: collector serve --cors-origin, or dispatcher.WithCORSOrigins (" + err.Error() + ")"
	}
	return ""
}

// knows reports whether the Host of a request names this collector.
func (g *Guard) knows(r *http.Request) bool {
	name := origin.Hostname(r.Host)
	if r.TLS != nil || origin.LoopbackName(name) || slices.Contains(g.Names, name) {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// opensLogin lets a link on another site, or in a mail, log in: it has a token of its own.
func opensLogin(r *http.Request) bool {
	return r.URL.Path == mesh.LoginPath && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}
