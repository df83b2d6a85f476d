package conn_test

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/collectiverpc/collective/conn/carrier"
)

// proxy is a reverse proxy in front of a node. It speaks HTTP/1.1 and HTTP/2 on both sides, and forwards each request
// in the version in which it came.
type proxy struct {
	address string
	server  *http.Server
	// meddle sees each request first and reports whether it has answered it. Nil lets all pass.
	meddle atomic.Pointer[meddling]
}

type meddling func(w http.ResponseWriter, r *http.Request) (answered bool)

func startProxy(t *testing.T, to string, meddle meddling) *proxy {
	t.Helper()
	p := &proxy{}
	p.meddle.Store(&meddle)
	backend := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: to}) },
		Transport: newSameVersion(t),
		ErrorLog:  quietLog(),
	}
	p.server = newProxyServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if meddle := *p.meddle.Load(); meddle == nil || !meddle(w, r) {
			backend.ServeHTTP(w, r)
		}
	}))
	listener := listen(t)
	p.address = listener.Addr().String()
	go p.server.Serve(listener) //nolint:errcheck // it ends with Close
	t.Cleanup(func() { p.server.Close() })
	return p
}

func newProxyServer(handler http.Handler) *http.Server {
	server := &http.Server{Handler: handler, Protocols: new(http.Protocols), ErrorLog: quietLog()}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// restart closes all that the proxy carries, and lets it listen again at its address.
func (p *proxy) restart(t *testing.T, meddle meddling) {
	t.Helper()
	p.server.Close()
	p.meddle.Store(&meddle)
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	p.server = newProxyServer(p.server.Handler)
	go p.server.Serve(listener) //nolint:errcheck // it ends with Close
}

// sameVersion forwards a request in the version of HTTP in which it came.
type sameVersion struct{ one, two *http.Transport }

func newSameVersion(t *testing.T) sameVersion {
	v := sameVersion{one: new(http.Transport), two: &http.Transport{Protocols: new(http.Protocols)}}
	v.two.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(func() {
		v.one.CloseIdleConnections()
		v.two.CloseIdleConnections()
	})
	return v
}

func (v sameVersion) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.ProtoMajor == 2 {
		return v.two.RoundTrip(r)
	}
	return v.one.RoundTrip(r)
}

// stripsUpgrade forwards the request without the header that makes it an upgrade, as many proxies do.
func stripsUpgrade(_ http.ResponseWriter, r *http.Request) bool {
	r.Header.Del("Upgrade")
	return false
}

// answersUpgrade answers the request for an upgrade by itself.
func answersUpgrade(status int) meddling {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != carrier.UpgradePath {
			return false
		}
		http.Error(w, "the proxy has its own opinion", status)
		return true
	}
}

// speaksHTTP2 refuses everything else, upgrades with it.
func speaksHTTP2(w http.ResponseWriter, r *http.Request) bool {
	if r.ProtoMajor == 2 {
		return false
	}
	w.WriteHeader(http.StatusHTTPVersionNotSupported)
	return true
}

func hangsUp(_ http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == carrier.UpgradePath {
		panic(http.ErrAbortHandler)
	}
	return false
}
