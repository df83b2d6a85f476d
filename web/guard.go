package web

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/collectiverpc/collective/internal/origin"
)

// guard refuses what browsers ask for somebody else; see [Config.Mount].
type guard struct {
	config      Config
	own, listed *origin.Pages
	next        http.Handler
}

// newGuard reports everything that is wrong with the origins of other pages that may call.
func newGuard(config Config, origins []string) (*guard, error) {
	listed, invalid := origin.NewPages(origins...)
	own, err := origin.NewPages()
	return &guard{config: config, own: own, listed: listed}, errors.Join(invalid, err)
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !mayBeBrowser(r) {
		g.next.ServeHTTP(w, r)
		return
	}
	if problem := g.judge(r); problem != "" {
		http.Error(w, "refused: "+problem, http.StatusForbidden)
		return
	}
	g.next.ServeHTTP(w, r)
}

// judge says what is wrong with a request that may come from a browser, or "".
func (g *guard) judge(r *http.Request) string {
	if !g.knows(r.Host) {
		return "this collector is not called " + hostname(r.Host) + "; address it by 127.0.0.1, or list the name: " +
			"collector serve --console-host " + hostname(r.Host) + ", or Hosts of web.Config"
	}
	if g.listed.Lists(r) && !g.isConsole(r) {
		return ""
	}
	if err := g.own.Check(r); err != nil && !g.opens(r) {
		return "a page of another site asks; open the console itself, or list its origin: collector serve --cors-origin, " +
			"or dispatcher.WithCORSOrigins (" + err.Error() + ")"
	}
	if g.config.Mode == ReadOnly && !g.reads(r) {
		return "the console of this collector is read-only; use the command line, or start it with --console full, Mode full of web.Config"
	}
	return ""
}

// mayBeBrowser is true for every request that a browser can make.
func mayBeBrowser(r *http.Request) bool {
	if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		return true
	}
	upgrade := r.Header.Get("Upgrade") != "" // links begin so; browsers cannot but for WebSockets, which have an Origin
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !upgrade
}

// isConsole reports whether a request is for the console itself, not for the collector behind it.
func (g *guard) isConsole(r *http.Request) bool {
	return r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, g.config.Base)
}

// opens lets a link on another site open a page of the console, and nothing else.
func (g *guard) opens(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Method == http.MethodGet && g.isConsole(r)
}

// reading is what the console asks to show the mesh.
var reading = []string{
	"GetStatus", "ListCollectors", "ListConnections", "ListConnectionChanges", "ListServices", "GetDescriptorSet", "ExplainRoute",
	"ListDispatches", "GetMetrics", "Watch",
}

func (g *guard) reads(r *http.Request) bool {
	if g.isConsole(r) {
		return true
	}
	method, ok := strings.CutPrefix(r.URL.Path, "/collector.mesh.v1.MeshService/")
	return ok && slices.Contains(reading, method)
}

// knows reports whether a Host header names this collector.
func (g *guard) knows(host string) bool {
	name := hostname(host)
	if name == "localhost" || slices.Contains(g.config.Hosts, name) {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.Unmap().IsLoopback()
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}
