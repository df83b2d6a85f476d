package differential

import (
	"net"
	"net/http"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
	"github.com/collectiverpc/collective/internal/conformance/mesh"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// target is where plans are carried out.
type target struct {
	name string
	url  string
	mesh connect.Transport // instead of a URL

	mu   sync.Mutex
	made map[wire]connect.Transport // guarded by mu
}

// startTargets starts a plain server, which comes first, and two collectors.
func startTargets(t *testing.T) []*target {
	t.Helper()
	register := func(s *connect.Server) { conformancev1connect.RegisterConformanceServiceHandler(s, handler{}) }
	plain := startPlain(t, register)
	a, b := startCollector(t, "a"), startCollector(t, "b")
	if err := b.Register(mesh.Namespace, register); err != nil {
		t.Fatal(err)
	}
	if err := mesh.Join(t.Context(), a.Dispatcher, b.Address, conformancev1connect.ConformanceServiceUnaryProcedure); err != nil {
		t.Fatal(err)
	}
	return []*target{
		newTarget("plain connect-go", "http://"+plain, nil),
		newTarget("collector b, direct", "http://"+b.Address, nil),
		newTarget("collector a, routed", "http://"+a.Address, nil),
		newTarget("transport of a", "", a.Transport(mesh.Namespace)),
	}
}

func newTarget(name, url string, transport connect.Transport) *target {
	return &target{name: name, url: url, mesh: transport, made: make(map[wire]connect.Transport)}
}

func startCollector(t *testing.T, id string) *meshtest.Collector {
	t.Helper()
	return meshtest.Serve(t, id, []string{mesh.Namespace}, dispatcher.WithLimits(mesh.Limits(0)))
}

func startPlain(t *testing.T, register func(*connect.Server)) (address string) {
	t.Helper()
	server := connect.NewServer()
	register(server)
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server, connecthttp.WithCompressMinBytes(1<<10)) // as a collector does, or answers differ in bytes
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	httpServer := &http.Server{Handler: mux, Protocols: protocols}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = httpServer.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = httpServer.Close()
		<-stopped
	})
	return listener.Addr().String()
}

// transport speaks to the target in a wire.
func (g *target) transport(t *testing.T, w wire) connect.Transport {
	if g.mesh != nil {
		return g.mesh
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if made, ok := g.made[w]; ok {
		return made
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(w.http1)
	protocols.SetUnencryptedHTTP2(!w.http1)
	inner := &http.Transport{Protocols: protocols, DisableCompression: true, MaxIdleConnsPerHost: parallel}
	t.Cleanup(inner.CloseIdleConnections)
	g.made[w] = connecthttp.NewTransport(&http.Client{Transport: recorder{inner}}, g.url, w.options()...)
	return g.made[w]
}

func (w wire) options() []connecthttp.Option {
	var opts []connecthttp.Option
	switch w.protocol {
	case "grpc":
		opts = append(opts, connecthttp.WithGRPC())
	case "grpcweb":
		opts = append(opts, connecthttp.WithGRPCWeb())
	}
	if w.json {
		opts = append(opts, connecthttp.WithProtoJSON())
	}
	if w.gzip {
		opts = append(opts, connecthttp.WithSendGzip())
	}
	if w.get {
		opts = append(opts, connecthttp.WithHTTPGet())
	}
	return opts
}
