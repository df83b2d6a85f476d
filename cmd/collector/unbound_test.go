package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A link that something between two collectors passes from one TLS connection to another is refused, unless both say that they let
// it pass.
func TestUnboundLinks(t *testing.T) {
	t.Parallel()
	m := newMesh(t, "a", "b", "x")
	own := func(id string) []string {
		file := filepath.Join(m.dir, "collectors", id)
		return []string{"--tls-cert", file + ".crt", "--tls-key", file + ".key", "--cacert", m.authorities()}
	}
	for _, unbound := range []bool{false, true} {
		var flags []string
		if unbound {
			flags = []string{"--unbound-links"}
		}
		a := serve(t, append(append([]string{"--id", "a", "--listen", "127.0.0.1:0", "--ns", "orders", "--db", "memory"}, own("a")...), flags...)...)
		b := serve(t, append(append([]string{
			"--id", "b", "--listen", "127.0.0.1:0", "--example", "orders", "--db", "memory", "--join", m.between(t, "x", a.Address),
		}, own("b")...), flags...)...)
		calls := func() bool {
			return strings.Contains(a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":1}`, "--cacert", m.authorities()).err, "a → b")
		}
		if unbound {
			until(t, "a call over the link that was passed on", calls)
			continue
		}
		until(t, "b to be told", func() bool { return strings.Contains(b.log.String(), "passed on") })
		if calls() {
			t.Error("a link that was passed on carries calls")
		}
	}
}

// between ends TLS with the certificate of a collector and speaks it anew to an address, and returns where.
func (m mesh) between(t *testing.T, id, to string) string {
	t.Helper()
	file := filepath.Join(m.dir, "collectors", id)
	pair, err := tls.LoadX509KeyPair(file+".crt", file+".key")
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, RootCAs: x509.NewCertPool()}
	text, err := os.ReadFile(m.authorities())
	if err != nil || !config.RootCAs.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	ctx := context.WithoutCancel(t.Context())
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			go passOn(near, far)
			go passOn(far, near)
		}
	}()
	return listener.Addr().String()
}

func passOn(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}
