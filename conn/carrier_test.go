package conn_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/carrier"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// wantCarrier checks what two nodes say carries their connection.
func wantCarrier(t *testing.T, carrier string, a, b *node) {
	t.Helper()
	for _, side := range []struct{ of, peer *node }{{a, b}, {b, a}} {
		p, ok := side.of.Table().Peer(side.peer.id)
		records := side.of.ListConnections()
		if !ok || p.Carrier != carrier || len(records) != 1 || records[0].GetCarrier() != carrier {
			t.Errorf("%s sees the peer %+v, records %v; want carrier %q", side.of.id, p, records, carrier)
		}
	}
}

// TestConnectBehindAProxy has between two collectors what refuses upgrades in different ways and lets HTTP/2 through.
func TestConnectBehindAProxy(t *testing.T) {
	t.Parallel()
	proxies := map[string]meddling{
		"strips the header": stripsUpgrade,
		"hangs up":          hangsUp,
		"HTTP/2 only":       speaksHTTP2,
	}
	for _, status := range []int{200, 301, 400, 403, 404, 405, 411, 426, 500, 501, 502, 503, 505} {
		proxies[fmt.Sprint("answers ", status)] = answersUpgrade(status)
	}
	for name, meddle := range proxies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
			answer, err := a.ConnectTo(t.Context(), startProxy(t, b.address, meddle).address, nil)
			if err != nil || answer.GetStatus().GetCode() != 200 || answer.GetTargetCollectorId() != "b" {
				t.Fatal(answer, err)
			}
			wantCarrier(t, conn.CarrierRPC, a, b)
			a.mustAsk(t, "users", "b/users: hello")
			b.mustAsk(t, "users", "a/users: hello")
		})
	}
	t.Run("lets upgrades pass", func(t *testing.T) {
		t.Parallel()
		a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
		if _, err := a.ConnectTo(t.Context(), startProxy(t, b.address, nil).address, nil); err != nil {
			t.Fatal(err)
		}
		wantCarrier(t, conn.CarrierUpgrade, a, b)
	})
}

// TestNeitherCarrierPasses says what to do about it, and makes no connection without a link instead.
func TestNeitherCarrierPasses(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	p := startProxy(t, b.address, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == carrier.CarryPath {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return stripsUpgrade(w, r)
	})
	_, err := a.ConnectTo(t.Context(), p.address, nil)
	if connect.CodeOf(err) != connect.CodeUnavailable || !strings.Contains(err.Error(), `"b" accepts links`) ||
		!strings.Contains(err.Error(), carrier.CarryPath) {
		t.Errorf("ConnectTo = %v", err)
	}
	if len(a.ListConnections())+len(b.ListConnections()) != 0 {
		t.Error("a connection came about")
	}
}

// TestProxyThatSpeaksOnlyHTTP2WithTLS does not even shake hands for HTTP/1.1.
func TestProxyThatSpeaksOnlyHTTP2WithTLS(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"users"})
	server := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: b.address}) },
		Transport: newSameVersion(t),
	})
	server.Config.ErrorLog = quietLog()
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP2(true)
	server.TLS = &tls.Config{NextProtos: []string{"h2"}}
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	a := start(t, "a", []string{"users"}, conn.WithTLS(&tls.Config{RootCAs: pool, ServerName: "example.com"}), conn.WithUnboundLinks())
	if _, err := a.ConnectTo(t.Context(), server.Listener.Addr().String(), nil); err != nil {
		t.Fatal(err)
	}
	wantCarrier(t, conn.CarrierRPC, a, b)
	b.mustAsk(t, "users", "a/users: hello")
}

// TestStreamsBehindAProxy lets both ends converse in messages of up to 100 KB at once.
func TestStreamsBehindAProxy(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	if _, err := a.ConnectTo(t.Context(), startProxy(t, b.address, stripsUpgrade).address, nil); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 5 {
		for _, side := range []struct{ of, peer *node }{{a, b}, {b, a}} {
			p, _ := side.of.Table().Peer(side.peer.id)
			group.Go(func() {
				if err := converse(t, p, fmt.Sprint(side.of.id, i), i*i*6000); err != nil {
					t.Errorf("%s, stream %d: %v", side.of.id, i, err)
				}
			})
		}
	}
	group.Wait()
}

// converse sends messages of a size and wants each back.
func converse(t *testing.T, p *conn.Peer, name string, size int) error {
	client := testingv1connect.NewEchoServiceClient(connect.NewClient(inNamespace{p, "users"}))
	stream, err := client.Converse(t.Context())
	if err != nil {
		return err
	}
	for n := range 10 {
		text := fmt.Sprint(name, " message ", n, strings.Repeat("x", size))
		if err := stream.Send(&testingv1.ConverseRequest{Text: text}); err != nil {
			return err
		}
		if got, err := stream.Receive(); err != nil || got.GetText() != text {
			return fmt.Errorf("message %d came back as %.30q, %w", n, got.GetText(), err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the end is %w", err)
	}
	return nil
}

// TestProxyIsLostAndFoundAgain dials again by the upgrade first: once that passes, the link is carried by it.
func TestProxyIsLostAndFoundAgain(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}, conn.WithKey(newKey(t))), start(t, "b", []string{"users"})
	p := startProxy(t, b.address, stripsUpgrade)
	if _, err := a.ConnectTo(t.Context(), p.address, nil); err != nil {
		t.Fatal(err)
	}
	for _, again := range []struct {
		meddle  meddling
		carrier string
	}{{answersUpgrade(502), conn.CarrierRPC}, {nil, conn.CarrierUpgrade}} {
		before, _ := a.Table().Peer("b")
		p.restart(t, again.meddle)
		a.await(t, "another link", func(table *conn.Table) bool {
			now, ok := table.Peer("b")
			return ok && now != before && now.State == active && len(table.Serving("users", echoProcedure)) == 1
		})
		b.awaitState(t, "a", active)
		wantCarrier(t, again.carrier, a, b)
		a.mustAsk(t, "users", "b/users: hello")
		b.mustAsk(t, "users", "a/users: hello")
	}
}

// TestBothDialThroughProxies ends with one link, as without them.
func TestBothDialThroughProxies(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	toA, toB := startProxy(t, a.address, stripsUpgrade), startProxy(t, b.address, stripsUpgrade)
	var group sync.WaitGroup
	for _, dial := range []struct {
		from *node
		to   string
	}{{a, toB.address}, {b, toA.address}} {
		group.Go(func() {
			if _, err := dial.from.ConnectTo(t.Context(), dial.to, nil); err != nil {
				t.Errorf("%s: %v", dial.from.id, err)
			}
		})
	}
	group.Wait()
	wantCarrier(t, conn.CarrierRPC, a, b)
	a.mustAsk(t, "users", "b/users: hello")
	b.mustAsk(t, "users", "a/users: hello")
}

// TestServerEndsWithTheLinks: a carried link is a call to the server, which otherwise would wait for it.
func TestServerEndsWithTheLinks(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	if _, err := a.ConnectTo(t.Context(), startProxy(t, b.address, stripsUpgrade).address, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Shutdown(t.Context()); err != nil {
		t.Errorf("the links: %v", err)
	}
	if err := b.server.Shutdown(t.Context()); err != nil {
		t.Errorf("the server: %v", err)
	}
	a.awaitState(t, "b", stale)
}
