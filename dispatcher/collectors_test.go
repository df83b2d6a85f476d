package dispatcher_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// collector is a dispatcher that serves a real socket.
type node struct {
	*dispatcher.Dispatcher
	address string
}

// serve starts a collector on loopback. It is stopped, the server first, when the test ends.
func serve(t testing.TB, id string, namespaces []string, opts ...dispatcher.Option) node {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]dispatcher.Option{dispatcher.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	d, err := dispatcher.New(id, listener.Addr().String(), namespaces, opts...)
	if err != nil {
		t.Fatal(err)
	}
	server := d.Server(d.Handler(), nil)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = server.Serve(d.Listener(listener))
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := d.Shutdown(ctx); err != nil {
			t.Errorf("collector %s: shutdown: %v", id, err)
		}
		_ = server.Close()
		<-stopped
	})
	return node{d, listener.Addr().String()}
}

// hostEcho registers the typed test service.
func (n node) hostEcho(t testing.TB, namespace string) {
	t.Helper()
	err := n.Register(namespace, func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, echo{n.ID()}) })
	if err != nil {
		t.Fatal(err)
	}
}

// join connects a to b and waits until each can call what the other serves.
func join(t testing.TB, a, b node) {
	t.Helper()
	res, err := a.ConnectTo(t.Context(), b.address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.GetStatus().GetCode() != 200 {
		t.Fatalf("connect %s to %s: %v", a.ID(), b.ID(), res.GetStatus())
	}
}

// waitFor waits until the table of a collector satisfies a condition.
func (n node) waitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		changed := n.Connections().Changed()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("collector %s: %s did not come", n.ID(), what)
		}
	}
}

// knows waits until a collector has heard that a peer serves a procedure.
func (n node) knows(t testing.TB, namespace, procedure string) {
	t.Helper()
	n.waitFor(t, procedure, func() bool { return len(n.Connections().Table().Serving(namespace, procedure)) > 0 })
}

// newHTTPClient speaks HTTP/2 without TLS.
func newHTTPClient(t testing.TB) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// client is a generated client of the test service over the network.
func (n node) client(t testing.TB, opts ...connecthttp.Option) testingv1connect.EchoServiceClient {
	t.Helper()
	return testingv1connect.NewEchoServiceClient(connect.NewClient(connecthttp.NewTransport(newHTTPClient(t), "http://"+n.address, opts...)))
}
