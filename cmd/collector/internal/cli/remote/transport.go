package remote

import (
	"crypto/tls"
	"net/http"
	"net/url"

	"connectrpc.com/connect/v2"
)

// newTransport makes one that speaks HTTP/1.1 to a plain URL, which any server understands well enough to be told apart from a
// collector, and HTTP/2 where gRPC needs it. With TLS both ends choose.
func newTransport(way reach, protocol string, config *tls.Config, heard *firstBytes) *http.Transport {
	protocols := new(http.Protocols)
	switch {
	case way.asked.Scheme == "https":
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	case protocol == connect.ProtocolNameGRPC:
		protocols.SetUnencryptedHTTP2(true)
	default:
		protocols.SetHTTP1(true)
	}
	return &http.Transport{
		Proxy:           func(r *http.Request) (*url.URL, error) { return proxyFor(r.URL) },
		DialContext:     way.dialer(heard),
		TLSClientConfig: config,
		Protocols:       protocols,
	}
}
