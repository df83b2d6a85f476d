package conn_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

const echoProcedure = testingv1connect.EchoServiceEchoProcedure

// node is a collector reduced to its connections: a manager behind a listener on loopback, serving EchoService in all
// its namespaces.
type node struct {
	*conn.Manager
	id, address string
	namespaces  []string
	server      *http.Server
}

// start starts a node that ends with the test.
func start(t testing.TB, id string, namespaces []string, opts ...conn.Option) *node {
	t.Helper()
	return startAt(t, "127.0.0.1:0", id, namespaces, opts...)
}

func startAt(t testing.TB, address, id string, namespaces []string, opts ...conn.Option) *node {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{id: id, address: listener.Addr().String(), namespaces: namespaces}
	opts = append([]conn.Option{conn.WithLogger(slog.New(slog.DiscardHandler)), conn.WithLinkHandler(echoHandler(id))}, opts...)
	n.Manager, err = conn.NewManager(conn.Self{ID: id, Address: n.address, Namespaces: namespaces}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	n.Announce(echoCatalog(namespaces))
	n.server = serve(listener, n.Manager)
	t.Cleanup(n.stop)
	return n
}

// newKey makes a key for [conn.WithKey]: peers remember it.
func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// stop ends a node as its process would: the listener, then all links.
func (n *node) stop() {
	n.server.Close()
	n.Close()
}

// serve puts what a collector serves of its connections on a listener: links, and Connect over plain HTTP.
func serve(listener net.Listener, m *conn.Manager) *http.Server {
	server := &http.Server{Handler: handler(m), Protocols: new(http.Protocols), ReadHeaderTimeout: 10 * time.Second}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	return server
}

func handler(m *conn.Manager) http.Handler {
	rpc := connect.NewServer()
	collectorconnect.RegisterCollectiveDispatcherHandler(rpc, connectOnly{m: m})
	mux := http.NewServeMux()
	mux.Handle(carrier.UpgradePath, m)
	mux.Handle(carrier.CarryPath, m)
	connecthttp.Mount(mux, rpc)
	return mux
}

type connectOnly struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
	m *conn.Manager
}

func (c connectOnly) Connect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return c.m.HandleConnect(ctx, req)
}

func echoHandler(id string) link.Handler {
	server := connect.NewServer()
	testingv1connect.RegisterEchoServiceHandler(server, echo{id: id})
	return server.Call
}

// echo answers with its collector and the namespace that the call came in.
type echo struct {
	testingv1connect.UnimplementedEchoServiceHandler
	id string
}

func (e echo) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	info, _ := connect.CallInfoForServerContext(ctx)
	over, _ := info.TransportInfo.(*link.ServerInfo)
	return &testingv1.EchoResponse{Text: fmt.Sprintf("%s/%s: %s", e.id, over.Namespace, req.GetText())}, nil
}

func (e echo) Converse(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = stream.Send(&testingv1.ConverseResponse{Text: req.GetText()})
		}
		if err != nil {
			return err
		}
	}
}

func echoCatalog(namespaces []string) *meshv1.Catalog {
	c := new(meshv1.Catalog)
	for _, n := range namespaces {
		c.Methods = append(c.Methods, &meshv1.CatalogMethod{
			Namespace: n, Procedure: echoProcedure,
			InputType: "collector.testing.v1.EchoRequest", OutputType: "collector.testing.v1.EchoResponse",
		})
	}
	return c
}

// connectTo connects a to b and fails the test if it cannot.
func connectTo(t testing.TB, a, b *node) *collector.ConnectResponse {
	t.Helper()
	answer, err := a.ConnectTo(t.Context(), b.address, nil)
	if err != nil {
		t.Fatalf("%s to %s: %v", a.id, b.id, err)
	}
	return answer
}

// ask calls Echo on a peer in a namespace.
func ask(ctx context.Context, p *conn.Peer, namespace string) (string, error) {
	client := testingv1connect.NewEchoServiceClient(connect.NewClient(inNamespace{p, namespace}))
	answer, err := client.Echo(ctx, &testingv1.EchoRequest{Text: "hello"})
	return answer.GetText(), err
}

type inNamespace struct {
	peer      *conn.Peer
	namespace string
}

func (t inNamespace) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	return t.peer.Open(ctx, link.Call{Namespace: t.namespace, Spec: spec})
}

// mustAsk asks the one peer that serves Echo in a namespace.
func (n *node) mustAsk(t testing.TB, namespace, want string) {
	t.Helper()
	peers := n.Table().Serving(namespace, echoProcedure)
	if len(peers) != 1 {
		t.Fatalf("%s: %d peers serve Echo in %s, want 1", n.id, len(peers), namespace)
	}
	got, err := ask(t.Context(), peers[0], namespace)
	if err != nil || got != want {
		t.Fatalf("%s asked in %s: %q, %v; want %q", n.id, namespace, got, err, want)
	}
}

// await waits until the table of a node is as wanted.
func (n *node) await(t testing.TB, what string, wanted func(*conn.Table) bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		changed := n.Changed()
		if wanted(n.Table()) {
			return
		}
		select {
		case <-changed:
		case <-limit:
			for _, p := range n.Table().Peers() {
				t.Logf("%s sees %s %s %q", n.id, p.ID, conn.StateName(p.State), p.Reason)
			}
			t.Fatalf("%s waited in vain for: %s", n.id, what)
		}
	}
}

// awaitState waits until a node sees a peer in a state.
func (n *node) awaitState(t testing.TB, peer string, state collector.ConnectionState) *conn.Peer {
	t.Helper()
	var found *conn.Peer
	n.await(t, peer+" is "+conn.StateName(state), func(table *conn.Table) bool {
		p, ok := table.Peer(peer)
		found = p
		return ok && p.State == state
	})
	return found
}

// startOn starts a node whose connections are in a SQLite file. closeStore is for a test that starts it again.
func startOn(t *testing.T, path, address, id string) (_ *node, closeStore func()) {
	t.Helper()
	store, db := openStore(t, path)
	n := startAt(t, address, id, []string{"orders", "users"}, conn.WithStore(store))
	return n, func() {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// fullDisk is a store that refuses to write while it is full.
type fullDisk struct {
	conn.Store
	full atomic.Bool
}

func (s *fullDisk) Put(ctx context.Context, record *collector.Connection) error {
	if s.full.Load() {
		return errors.New("no space left on device")
	}
	return s.Store.Put(ctx, record)
}
