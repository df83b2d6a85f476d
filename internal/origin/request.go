package origin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// FromBrowser reports whether a request says of itself that a browser sent it for a page. Browsers do not say it of all.
func FromBrowser(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}

// MayBeBrowser is true for every request that a browser can make, also for one of a page at a name that was made to point here,
// which says nothing of it: browsers leave Sec-Fetch-Site out towards a name without TLS, and Origin in a GET.
func MayBeBrowser(r *http.Request) bool {
	upgrade := r.Header.Get("Upgrade") != "" // links begin so; browsers cannot but for WebSockets, which have an Origin
	return FromBrowser(r) || (r.Method == http.MethodGet || r.Method == http.MethodHead) && !upgrade
}

// ArrivedOnLoopback goes by the socket of the server, not by anything that the client says.
func ArrivedOnLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && Loopback(local.String())
}

// Hostname is a Host header without its port.
func Hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// LoopbackName reports whether a host name is one of this machine alone.
func LoopbackName(name string) bool {
	if name == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.Unmap().IsLoopback()
}
