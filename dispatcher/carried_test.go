package dispatcher_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// behindHTTP2 puts a proxy before a collector that speaks HTTP/2 only, so that no upgrade gets through.
func behindHTTP2(t *testing.T, address string) string {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: address}) },
		Transport: transport,
	})
	proxy.Config.Protocols = protocols
	proxy.Start()
	t.Cleanup(proxy.Close)
	return proxy.Listener.Addr().String()
}

// TestCarried_IsNoCallOfAClient: the RPC that carries a link has none of the limits of calls, although it is one. When
// the collector stops, it does not hold up the server.
func TestCarried_IsNoCallOfAClient(t *testing.T) {
	t.Parallel()
	const least = 20 * time.Millisecond
	a := serve(t, "a", []string{"test"})
	b, stop := serveUntilStopped(t, "b", dispatcher.Limits{
		RequestBytes: 1 << 10, BodyTimeout: least, DefaultTimeout: 10 * time.Second, IdleTimeout: least, HeaderTimeout: least,
	})
	a.hostEcho(t, "test")
	res, err := a.ConnectTo(t.Context(), behindHTTP2(t, b.address), nil)
	if err != nil || res.GetStatus().GetCode() != 200 {
		t.Fatal(res, err)
	}
	client := testingv1connect.NewEchoServiceClient(connect.NewClient(b.Transport("test")))
	text := strings.Repeat("x", 1<<20)
	for start := time.Now(); time.Since(start) < 10*least; {
		got, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: text})
		if err != nil || len(got.GetText()) < len(text) {
			t.Fatalf("Echo of 1 MiB: %d bytes, %v", len(got.GetText()), err)
		}
	}
	silence := time.NewTimer(10 * least) // in which nothing at all crosses the link
	defer silence.Stop()
	changed := a.Connections().Changed()
	select {
	case <-changed:
		t.Error("the connection did not survive a silence")
	case <-silence.C:
	}
	if p, ok := a.Connections().Table().Peer("b"); !ok || p.Carrier != conn.CarrierRPC {
		t.Errorf("the peer is %+v", p)
	}
	stop()
}

// serveUntilStopped is serve with the end in the order of a program: the links, then the server.
func serveUntilStopped(t *testing.T, id string, limits dispatcher.Limits) (_ node, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d, err := dispatcher.New(id, listener.Addr().String(), []string{"test"},
		dispatcher.WithLimits(limits), dispatcher.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	server := d.Server(d.Handler(), nil)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = server.Serve(d.Listener(listener))
	}()
	return node{d, listener.Addr().String()}, func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := d.Shutdown(ctx); err != nil {
			t.Errorf("the links: %v", err)
		}
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("the server: %v", err)
		}
		<-stopped
	}
}
