package dispatcher_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/meshtest"
)

func TestServer_HasTheLimits(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	server := a.Server(http.NotFoundHandler(), nil)
	want := http.HTTP2Config{
		MaxConcurrentStreams: 1000, MaxReceiveBufferPerStream: 256 << 10, MaxReceiveBufferPerConnection: 64 << 20,
		SendPingTimeout: 9 * time.Second, PingTimeout: 4 * time.Second, WriteByteTimeout: 10 * time.Second,
	}
	if diff := cmp.Diff(want, *server.HTTP2); diff != "" {
		t.Errorf("HTTP/2 (-want +got):\n%s", diff)
	}
	if server.ReadHeaderTimeout != 10*time.Second || server.MaxHeaderBytes != 1<<20 || server.ReadTimeout != 0 || server.WriteTimeout != 0 {
		t.Errorf("server %+v", server)
	}
	if !server.Protocols.HTTP1() || !server.Protocols.UnencryptedHTTP2() {
		t.Errorf("protocols %v", server.Protocols)
	}
}

func TestServer_RefusesLargeHeaders(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	for name, headers := range map[string]http.Header{
		"one":  {"X-Large": {strings.Repeat("x", 100<<10)}},
		"many": {"X-Many": slices.Repeat([]string{"x"}, 1<<10)},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Address+"/x.S/M", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = headers
		if res, text := roundTrip(t, meshtest.HTTP2Client(t), req); res.StatusCode != http.StatusRequestHeaderFieldsTooLarge || !strings.Contains(text, "32 KiB") {
			t.Errorf("%s, HTTP/2: %d %s", name, res.StatusCode, text)
		}
		if res, text := do(t, req); res.StatusCode != http.StatusRequestHeaderFieldsTooLarge || !strings.Contains(text, "32 KiB") {
			t.Errorf("%s, HTTP/1.1: %d %s", name, res.StatusCode, text)
		}
	}
}

func TestLimits_OfAConnection(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		given dispatcher.Limits
		want  int
	}{
		"default":       {dispatcher.Limits{}, 64 << 20},
		"few streams":   {dispatcher.Limits{Streams: 10}, 10 * 256 << 10},
		"one stream":    {dispatcher.Limits{Streams: 1, StreamBytes: 1 << 10}, 64 << 10},
		"large streams": {dispatcher.Limits{StreamBytes: 100 << 20}, 100 << 20},
		"many streams":  {dispatcher.Limits{Streams: math.MaxInt32}, 64 << 20},
		"given":         {dispatcher.Limits{ConnectionBytes: 1 << 20}, 1 << 20},
	} {
		d, err := dispatcher.New("a", "", []string{"test"}, dispatcher.WithLimits(tt.given))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Server(http.NotFoundHandler(), nil).HTTP2.MaxReceiveBufferPerConnection; got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
		if err := d.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestListener_BoundsConnections(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"}, dispatcher.WithLimits(dispatcher.Limits{Connections: 2}))
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bounded := a.Listener(inner)
	accepted := make(chan net.Conn, 3)
	ended := make(chan error, 1)
	go func() {
		for {
			conn, err := bounded.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- conn
		}
	}()
	var dialed, served [3]net.Conn
	for i := range dialed {
		if dialed[i], err = net.Dial("tcp", inner.Addr().String()); err != nil {
			t.Fatal(err)
		}
		defer dialed[i].Close()
		served[i] = <-accepted // nobody waits for a place
		defer served[i].Close()
	}
	// The third took the place of the one that has been without a request for longest.
	_ = dialed[0].SetReadDeadline(time.Now().Add(patience))
	if n, err := dialed[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the first connection: %d bytes, %v; want its end", n, err)
	}
	for i, conn := range served[1:] {
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Errorf("connection %d: %v", i+2, err)
		}
	}
	if err := bounded.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept ends with %v", err)
	}
}

func TestListenAndServe_StopsWithItsContext(t *testing.T) {
	t.Parallel()
	d, err := dispatcher.New("a", "", []string{"test"})
	if err != nil {
		t.Fatal(err)
	}
	address := meshtest.FreeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.ListenAndServe(ctx, address, nil, patience) }()
	var res *http.Response
	for deadline := time.Now().Add(patience); res == nil && time.Now().Before(deadline); {
		res, _ = http.Get("http://" + address + "/") //nolint:noctx // it ends at once
	}
	if res == nil {
		t.Fatal("nobody listens")
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}
