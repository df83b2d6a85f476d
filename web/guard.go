package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Guard refuses requests that a browser makes for somebody else: a page of another site (cross-site requests, whatever
// their method), and a name that was made to point here (DNS rebinding). Programs that are no browsers pass; they send
// neither Origin nor Sec-Fetch-Site, and anything but a GET of theirs is not looked at.
//
// In mode ReadOnly it also refuses what browsers could change or call: everything but the console's own reading.
func Guard(next http.Handler, config Config) http.Handler {
	g := &guard{config: config.withDefaults(), crossOrigin: http.NewCrossOriginProtection(), next: next}
	return g
}

type guard struct {
	config      Config
	crossOrigin *http.CrossOriginProtection
	next        http.Handler
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
		return "this collector is not called " + hostname(r.Host) + "; address it by 127.0.0.1, or start it with --console-host " + hostname(r.Host)
	}
	if !g.sameSite(r) {
		return "a page of another site asks; open the console itself"
	}
	if err := g.crossOrigin.Check(r); err != nil {
		return err.Error()
	}
	if g.config.Mode == ReadOnly && !g.reads(r) {
		return "the console of this collector is read-only; use the command line, or start it with --console full"
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

// sameSite lets a link on another site open a page of the console, and nothing else. CrossOriginProtection has no
// objection to any GET; but a method may be called by one.
func (g *guard) sameSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	opens := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Method == http.MethodGet
	return opens && (r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, g.config.Base))
}

// reading is what the console asks to show the mesh.
var reading = []string{
	"GetStatus", "ListCollectors", "ListConnections", "ListServices", "GetDescriptorSet", "ExplainRoute",
	"ListDispatches", "GetMetrics", "Watch",
}

func (g *guard) reads(r *http.Request) bool {
	if r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, g.config.Base) {
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
