package conn_test

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// authority issues certificates, and starts nodes that prove by them who they are.
type authority struct{ *meshtest.Authority }

func newAuthority(t *testing.T) authority {
	t.Helper()
	return authority{meshtest.NewAuthority(t)}
}

// dialing is how a collector dials that shows a certificate whatever authorities the server asks for; nil shows none.
func (a authority) dialing(certificate *tls.Certificate) *tls.Config {
	config := &tls.Config{RootCAs: a.Pool}
	if certificate != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	return config
}

func meshTest(t *testing.T) conn.Option {
	t.Helper()
	rule, err := conn.SPIFFE(meshtest.TrustDomain)
	if err != nil {
		t.Fatal(err)
	}
	return conn.WithIdentity(rule)
}

// secured is a node behind TLS, with the store it keeps its connections in and the number of calls it was asked.
type secured struct {
	*node
	store conn.Store
	calls atomic.Int32
}

// carriers are what may carry a link, with how to listen so that nothing else can.
var carriers = map[string]func(*tls.Config){
	conn.CarrierUpgrade: func(*tls.Config) {},
	conn.CarrierRPC:     func(c *tls.Config) { c.GetConfigForClient = onlyHTTP2(c) },
}

// onlyHTTP2 refuses clients that speak HTTP/1.1 alone before certificates are looked at, as servers do that have no
// HTTP/1.1; those of Go let them in.
func onlyHTTP2(config *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	refuses := config.Clone()
	refuses.NextProtos = []string{"none"}
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, "h2") {
			return nil, nil
		}
		return refuses, nil
	}
}

// startSecured starts a node that asks who it links with, as collector id with a good certificate. shows, if not nil, is
// what its listener shows instead.
func (a authority) startSecured(t *testing.T, id, address, carrier string, shows *tls.Certificate) *secured {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	own := a.Of(t, id)
	if shows == nil {
		shows = &own
	}
	s := &secured{node: &node{id: id, address: listener.Addr().String(), namespaces: []string{"users"}}}
	s.store, _ = openStore(t, t.TempDir()+"/"+id+".db")
	s.Manager, err = conn.NewManager(
		conn.Self{ID: id, Address: s.address, Namespaces: s.namespaces},
		conn.WithStore(s.store), conn.WithLogger(slog.New(slog.DiscardHandler)), conn.WithLinkHandler(counting(&s.calls, echoHandler(id))),
		meshTest(t), conn.WithTLS(a.TLS(own)))
	if err != nil {
		t.Fatal(err)
	}
	s.Announce(echoCatalog(s.namespaces))
	s.server = &http.Server{
		Handler: handler(s.Manager), Protocols: new(http.Protocols), ErrorLog: quietLog(), TLSConfig: a.TLS(*shows),
	}
	s.server.Protocols.SetHTTP1(true)
	s.server.Protocols.SetHTTP2(true)
	carriers[carrier](s.server.TLSConfig)
	go s.server.ServeTLS(listener, "", "") //nolint:errcheck // it ends with Close
	t.Cleanup(s.stop)
	return s
}

// wantUntouched checks that a node has stored nothing, knows nobody and ran no handler.
func (s *secured) wantUntouched(t *testing.T) {
	t.Helper()
	stored, err := s.store.List(t.Context())
	if err != nil || len(stored)+len(s.ListConnections())+len(s.Table().Peers()) != 0 || s.calls.Load() != 0 {
		t.Errorf("%s has stored %v (%v), knows %d peers and ran %d calls", s.id, stored, err, len(s.Table().Peers()), s.calls.Load())
	}
}
