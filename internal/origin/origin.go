package origin

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
)

// ThisMachine reports whether the call that a handler's context belongs to came from this machine. A context that
// belongs to no call is this process's own.
func ThisMachine(ctx context.Context) bool {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return true
	}
	if _, overHTTP := connecthttp.ServerInfoForContext(ctx); overHTTP {
		return Loopback(info.PeerAddr) && !onBehalf(info.RequestHeader())
	}
	return info.Protocol == "" && info.PeerAddr == "" // in process; a link has a protocol
}

// Loopback reports whether an ip:port is one of this machine alone. It is false for an address that is none, a name too: who
// cannot be placed is not from here.
func Loopback(address string) bool {
	parsed, err := netip.ParseAddrPort(address)
	return err == nil && parsed.Addr().Unmap().IsLoopback()
}

// Forwarded reports whether a proxy says in the header of a request that it asks for somebody else.
func Forwarded(header func(name string) string) bool {
	for _, name := range forwarding {
		if header(name) != "" {
			return true
		}
	}
	return false
}

// forwarding are the headers in which a proxy tells for whom it asks.
var forwarding = [...]string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"}

// onBehalf reports a client that asks for somebody else: a proxy says so itself, and a browser says it of its pages.
func onBehalf(header *connect.Header) bool {
	for _, name := range forwarding {
		if header.Has(name) {
			return true
		}
	}
	switch header.Get(http.CanonicalHeaderKey("Sec-Fetch-Site")) {
	case "same-origin", "none":
		return false
	case "":
		return foreignPage(header.Get("Origin"), header.Get("Host"))
	default:
		return true
	}
}

// foreignPage judges a page by its origin alone, as browsers leave out Sec-Fetch-Site towards a name without TLS. A page
// at a name that was made to point here is no page of this machine.
func foreignPage(origin, host string) bool {
	if origin == "" {
		return false
	}
	page, err := url.Parse(origin)
	if err != nil || page.Host != host {
		return true
	}
	address, err := netip.ParseAddr(page.Hostname())
	return page.Hostname() != "localhost" && (err != nil || !address.Unmap().IsLoopback())
}
