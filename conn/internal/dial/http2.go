package dial

import (
	"net/http"
	"time"

	"github.com/collectiverpc/collective/conn/internal/identity"
)

// HTTP2 makes HTTP/2 connections, for the seed's protocol and the second carrier of links, by the same rules as links.
// guard, if not nil, may refuse the address that a name resolved to. All of them lead to the expected collector.
// It pings, since a connection may break without either end hearing of it. Whoever makes one closes its idle connections.
func (d *Dialer) HTTP2(guard func(resolved string) error, expected *identity.Expected) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(d.TLS != nil)
	protocols.SetUnencryptedHTTP2(d.TLS == nil)
	return &http.Transport{
		DialContext:     d.guarded(guard).DialContext,
		TLSClientConfig: d.config(expected),
		Protocols:       protocols,
		HTTP2:           &http.HTTP2Config{SendPingTimeout: 2 * time.Second, PingTimeout: time.Second, WriteByteTimeout: 5 * time.Second},
		IdleConnTimeout: d.IdleTimeout,
	}
}

// WithoutRedirects makes a client that believes no server that says another one is meant.
// The peer's identity and the guard on addresses hold for the address that was given.
func WithoutRedirects(transport *http.Transport) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// BaseURL is where the services of a collector are.
func (d *Dialer) BaseURL(address string) string {
	if d.TLS != nil {
		return "https://" + address
	}
	return "http://" + address
}
