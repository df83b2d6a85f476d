package web

import (
	"errors"
	"net/http"
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
	if !origin.MayBeBrowser(r) {
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
		return "this collector is not called " + origin.Hostname(r.Host) + "; address it by 127.0.0.1, or list the name: " +
			"collector serve --console-host " + origin.Hostname(r.Host) + ", or Hosts of web.Config"
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
	name := origin.Hostname(host)
	return origin.LoopbackName(name) || slices.Contains(g.config.Hosts, name)
}
