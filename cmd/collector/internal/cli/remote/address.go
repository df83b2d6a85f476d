package remote

import (
	"net"
	"net/url"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// DefaultServer is asked when nothing names a collector.
const DefaultServer = "http://127.0.0.1:50051"

// Protocols are the values of --protocol, the usual one first.
var Protocols = []string{connect.ProtocolNameConnect, connect.ProtocolNameGRPC, connect.ProtocolNameGRPCWeb}

func protocolOptions(protocol string) []connecthttp.Option {
	switch protocol {
	case connect.ProtocolNameGRPC:
		return []connecthttp.Option{connecthttp.WithGRPC()}
	case connect.ProtocolNameGRPCWeb:
		return []connecthttp.Option{connecthttp.WithGRPCWeb()}
	}
	return nil
}

// ParseServer takes a URL or host:port.
func ParseServer(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, failure.Usagef("--server %q: want a URL such as %s", text, DefaultServer)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	return base, nil
}

// hostPort is the address that is dialled unless a proxy is.
func hostPort(base *url.URL) string {
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	return net.JoinHostPort(base.Hostname(), port)
}

// withScheme is a URL with another scheme.
func withScheme(base *url.URL, scheme string) string {
	other := *base
	other.Scheme = scheme
	return other.String()
}
