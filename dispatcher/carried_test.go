package dispatcher_test

import (
	"context"
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
	"github.com/collectiverpc/collective/internal/meshtest"
)

// behindHTTP2 puts a proxy before a collector that speaks HTTP/2 only, so that no upgrade gets through.
func behindHTTP2(t *testing.T, address string) string {
	t.Helper()
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: address}) },
		Transport: meshtest.HTTP2Client(t).Transport,
	})
	proxy.Config.Protocols = new(http.Protocols)
	proxy.Config.Protocols.SetUnencryptedHTTP2(true)
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
	b := serve(t, "b", []string{"test"}, dispatcher.WithLimits(dispatcher.Limits{
		RequestBytes: 1 << 10, BodyTimeout: least, DefaultTimeout: 10 * time.Second, IdleTimeout: least, HeaderTimeout: least,
	}))
	a.hostEcho(t, "test")
	if err := meshtest.Connect(t.Context(), a.Dispatcher, behindHTTP2(t, b.Address)); err != nil {
		t.Fatal(err)
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
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		t.Errorf("the links: %v", err)
	}
	if err := b.HTTP.Shutdown(ctx); err != nil {
		t.Errorf("the server: %v", err)
	}
}
