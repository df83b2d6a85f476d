package remote

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// proxyFor is the proxy that the environment puts before a URL, nil for none. This machine is always asked directly:
// 0.0.0.0, as collectors say that they listen, and every spelling of localhost too.
func proxyFor(to *url.URL) (*url.URL, error) {
	if isThisMachine(to.Hostname()) {
		return nil, nil //nolint:nilnil // as http.Transport.Proxy has it
	}
	return http.ProxyFromEnvironment(&http.Request{URL: to})
}

func isThisMachine(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && (address.Unmap().IsLoopback() || address.IsUnspecified())
}
