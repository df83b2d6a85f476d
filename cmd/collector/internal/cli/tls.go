package cli

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"

	"connectrpc.com/connect/v2"
)

// httpTransport speaks HTTP/1.1 to a plain URL, which any server understands well enough to be told apart from a
// collector, and HTTP/2 where gRPC needs it. With TLS both ends choose.
func (a *app) httpTransport(base *url.URL, heard *hearing) (*http.Transport, error) {
	config, err := a.tlsConfig()
	if err != nil {
		return nil, err
	}
	protocols := new(http.Protocols)
	switch {
	case base.Scheme == "https":
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	case a.flags.protocol == connect.ProtocolNameGRPC:
		protocols.SetUnencryptedHTTP2(true)
	default:
		protocols.SetHTTP1(true)
	}
	return &http.Transport{
		Proxy:           func(r *http.Request) (*url.URL, error) { return proxyFor(r.URL) },
		DialContext:     heard.dial,
		TLSClientConfig: config,
		Protocols:       protocols,
	}, nil
}

func (a *app) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: a.flags.insecure} //nolint:gosec // --insecure says so
	if a.flags.cacert != "" {
		pool, err := readAuthorities("--cacert", a.flags.cacert)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	if (a.flags.cert == "") != (a.flags.key == "") {
		return nil, usagef("--cert and --key belong together")
	}
	if a.flags.cert == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(a.flags.cert, a.flags.key)
	if err != nil {
		return nil, usagef("--cert, --key: %v", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

func readAuthorities(flag, path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("%s: %v", flag, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usagef("%s: %s has no PEM certificate", flag, path)
	}
	return pool, nil
}
