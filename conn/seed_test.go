package conn_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// seedCollector is a collector built from the seed's proto alone: the three RPCs by gRPC over HTTP/2, no link.
type seedCollector struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
	id      string
	connect chan *collector.ConnectRequest
	serve   chan *collector.ServeRequest
}

func startSeed(t *testing.T, id string) (*seedCollector, string, *http.Server) {
	t.Helper()
	s := &seedCollector{id: id, connect: make(chan *collector.ConnectRequest, 10), serve: make(chan *collector.ServeRequest, 10)}
	rpc := connect.NewServer()
	collectorconnect.RegisterCollectiveDispatcherHandler(rpc, s)
	mux := http.NewServeMux()
	connecthttp.Mount(mux, rpc)
	listener := listen(t)
	server := &http.Server{Handler: mux, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	t.Cleanup(func() { server.Close() })
	return s, listener.Addr().String(), server
}

func (s *seedCollector) Connect(_ context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	s.connect <- req
	return &collector.ConnectResponse{
		Status: &collector.Status{Code: 200}, ConnectionId: "conn_1", SharedNamespaces: []string{"users"}, TargetCollectorId: s.id,
	}, nil
}

func (s *seedCollector) Serve(_ context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	s.serve <- req
	if req.GetMethodName() == "Missing" {
		return &collector.ServeResponse{Status: &collector.Status{Code: 404, Message: "service not registered"}, ExecutorId: s.id}, nil
	}
	return &collector.ServeResponse{Status: &collector.Status{Code: 200}, Output: req.GetInput(), ExecutorId: s.id}, nil
}

func TestSeedPeerIsCalledByServe(t *testing.T) {
	t.Parallel()
	s, address, _ := startSeed(t, "seed-1")
	a := start(t, "a", []string{"orders", "users"})
	answer, err := a.ConnectTo(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if req := <-s.connect; req.GetMetadata()["collector_id"] != "a" || req.GetAddress() != a.address ||
		cmp.Diff([]string{"orders", "users"}, req.GetNamespaces()) != "" {
		t.Errorf("the seed was asked %v", req)
	}
	if answer.GetConnectionId() != conn.ConnectionID("a", "seed-1") {
		t.Errorf("ConnectTo answered %v: the id of a connection is not the peer's to choose", answer)
	}
	seeds := seedPeers(a, "users")
	if len(seeds) != 1 || seeds[0].ID != "seed-1" || !seeds[0].Seed || !seeds[0].Routable() || len(seedPeers(a, "orders")) != 0 {
		t.Fatalf("seed peers are %v", peerIDs(seeds))
	}
	t.Run("Any", func(t *testing.T) { seedCarriesAny(t, s, seeds[0]) })
	t.Run("typed", func(t *testing.T) { seedCarriesTyped(t, s, seeds[0]) })
	t.Run("refusals", func(t *testing.T) { seedRefuses(t, seeds[0]) })
	client, ok := a.GetClient(address)
	if !ok {
		t.Fatal("no client of the seed peer")
	}
	out, err := client.Serve(t.Context(), &collector.ServeRequest{Namespace: "users", MethodName: "GetUser"})
	if err != nil || out.GetExecutorId() != "seed-1" {
		t.Errorf("Serve by the client: %v, %v", out, err)
	}
}

// seedPeers are the seed peers that a node can call in a namespace.
func seedPeers(n *node, namespace string) (seeds []*conn.Peer) {
	for _, p := range n.Table().Peers() {
		if p.Seed && p.Routable() && slices.Contains(p.Shared, namespace) {
			seeds = append(seeds, p)
		}
	}
	return seeds
}

func peerIDs(peers []*conn.Peer) (ids []string) {
	for _, p := range peers {
		ids = append(ids, p.ID)
	}
	return ids
}

func seedCarriesAny(t *testing.T, s *seedCollector, p *conn.Peer) {
	in, err := anypb.New(wrapperspb.String("u-1"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("X-Trace", "t-1")
	var answer link.Raw
	if err := call(ctx, p, connect.Spec{Procedure: "/UserService/GetUser"}, &link.Raw{Data: raw}, &answer); err != nil {
		t.Fatal(err)
	}
	req := <-s.serve
	if req.GetNamespace() != "users" || req.GetService().GetServiceName() != "UserService" || req.GetMethodName() != "GetUser" ||
		req.GetExecutionContext()["X-Trace"] != "t-1" || !proto.Equal(req.GetInput(), in) {
		t.Errorf("the seed got %v", req)
	}
	out := new(anypb.Any)
	if err := proto.Unmarshal(answer.Data, out); err != nil || !proto.Equal(out, in) {
		t.Errorf("answer %v, %v", out, err)
	}
}

// echoSpec is a method whose descriptor is known.
func echoSpec() connect.Spec {
	method := testingv1.File_collector_testing_v1_testing_proto.Services().ByName("EchoService").Methods().ByName("Echo")
	return connect.Spec{Procedure: echoProcedure, Schema: method}
}

func seedCarriesTyped(t *testing.T, s *seedCollector, p *conn.Peer) {
	err := call(t.Context(), p, echoSpec(), &testingv1.EchoRequest{Text: "hi"}, &testingv1.EchoResponse{})
	req := <-s.serve
	if req.GetInput().GetTypeUrl() != "type.googleapis.com/collector.testing.v1.EchoRequest" || req.GetService().GetServiceName() != "collector.testing.v1.EchoService" {
		t.Errorf("the seed got %v", req)
	}
	if connect.CodeOf(err) != connect.CodeInternal || !strings.Contains(err.Error(), "another message") {
		t.Errorf("an EchoRequest as the answer to Echo: %v", err)
	}
	raw, err := proto.Marshal(&testingv1.EchoRequest{Text: "hi"})
	if err != nil {
		t.Fatal(err)
	}
	for _, sent := range []struct {
		codec string
		data  []byte
	}{{"proto", raw}, {"json", []byte(`{"text":"hi"}`)}} {
		stream, err := p.Open(t.Context(), link.Call{Namespace: "users", Spec: echoSpec(), Codec: sent.codec})
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&link.Raw{Data: sent.data}); err != nil {
			t.Fatal(err)
		}
		stream.Receive(&link.Raw{}) //nolint:errcheck // the seed echoes the wrong type
		if req := <-s.serve; string(req.GetInput().GetValue()) != string(raw) {
			t.Errorf("%s arrived as %q", sent.codec, req.GetInput().GetValue())
		}
	}
}

func seedRefuses(t *testing.T, p *conn.Peer) {
	empty, _ := proto.Marshal(&anypb.Any{TypeUrl: "x/google.protobuf.Empty"})
	tests := []struct {
		name      string
		namespace string
		spec      connect.Spec
		codec     string
		msg       any
		code      connect.Code
	}{
		{"what the handler refuses", "users", connect.Spec{Procedure: "/UserService/Missing"}, "", &link.Raw{Data: empty}, connect.CodeNotFound},
		{"a namespace that is not shared", "orders", connect.Spec{Procedure: "/U/G"}, "", &link.Raw{Data: empty}, connect.CodePermissionDenied},
		{"a stream", "users", connect.Spec{Procedure: "/U/G", StreamType: connect.StreamTypeServer}, "", nil, connect.CodeUnimplemented},
		{"JSON of an unknown type", "users", connect.Spec{Procedure: "/U/G"}, "json", nil, connect.CodeUnimplemented},
		{"a wrong procedure", "users", connect.Spec{Procedure: "U"}, "", nil, connect.CodeInvalidArgument},
		{"no Any", "users", connect.Spec{Procedure: "/U/G"}, "", &link.Raw{Data: []byte{0xff}}, connect.CodeInvalidArgument},
		{"no message", "users", connect.Spec{Procedure: "/U/G"}, "", "text", connect.CodeInvalidArgument},
	}
	for _, tt := range tests {
		stream, err := p.Open(t.Context(), link.Call{Namespace: tt.namespace, Spec: tt.spec, Codec: tt.codec})
		if err == nil {
			if err = stream.Send(tt.msg); err == nil {
				err = stream.Receive(&link.Raw{})
			}
		}
		if connect.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.code)
		}
	}
}

func call(ctx context.Context, p *conn.Peer, spec connect.Spec, in, out any) error {
	return connect.NewClient(inNamespace{p, "users"}).CallUnary(ctx, spec, in, out)
}

func TestSeedPeerIsLostAndFoundAgain(t *testing.T) {
	t.Parallel()
	s, address, server := startSeed(t, "seed-1")
	a := start(t, "a", []string{"users"})
	if _, err := a.ConnectTo(t.Context(), address, nil); err != nil {
		t.Fatal(err)
	}
	<-s.connect
	server.Close()
	p := seedPeers(a, "users")[0]
	err := call(t.Context(), p, connect.Spec{Procedure: "/U/G"}, &anypb.Any{}, &anypb.Any{})
	if connect.CodeOf(err) != connect.CodeUnavailable {
		t.Fatalf("a call to a dead seed peer: %v", err)
	}
	a.awaitState(t, "seed-1", stale)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	again := &http.Server{Handler: server.Handler, Protocols: server.Protocols}
	go again.Serve(listener) //nolint:errcheck // it ends with Close
	t.Cleanup(func() { again.Close() })
	a.awaitState(t, "seed-1", active)
	if err := call(t.Context(), seedPeers(a, "users")[0], connect.Spec{Procedure: "/U/G"}, &anypb.Any{}, &anypb.Any{}); err != nil {
		t.Errorf("a call after the redial: %v", err)
	}
}

// TestSeedPeersConnectFromBothSides, since a seed collector can call only whom it has connected to itself.
func TestSeedPeersConnectFromBothSides(t *testing.T) {
	t.Parallel()
	_, address, _ := startSeed(t, "seed-1")
	a := start(t, "a", []string{"users"})
	if _, err := a.ConnectTo(t.Context(), address, nil); err != nil {
		t.Fatal(err)
	}
	if answer := plainConnect(t, a, request("seed-1", "users")); answer.GetStatus().GetCode() != 200 ||
		answer.GetConnectionId() != conn.ConnectionID("a", "seed-1") || cmp.Diff([]string{"users"}, answer.GetSharedNamespaces()) != "" {
		t.Errorf("the seed's Connect was answered %v", answer)
	}
	p, _ := a.Table().Peer("seed-1")
	if p.Address != address || !p.Routable() || len(a.ListConnections()) != 1 {
		t.Errorf("the peer is now %+v", p)
	}
	if err := call(t.Context(), p, connect.Spec{Procedure: "/U/G"}, &anypb.Any{}, &anypb.Any{}); err != nil {
		t.Error(err)
	}
}

func TestSeedPeerThatDialsIsNotDialledBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options []conn.Option
		claims  string // in place of its address
		back    bool
		blocked bool
	}{
		{name: "by default"},
		{name: "an allowed network", options: []conn.Option{conn.WithDialBack(netip.MustParsePrefix("127.0.0.0/8"))}, back: true},
		{name: "another network", options: []conn.Option{conn.WithDialBack(netip.MustParsePrefix("10.0.0.0/8"))}, back: true, blocked: true},
		{
			name: "mapped into IPv6", options: []conn.Option{conn.WithDialBack(netip.MustParsePrefix("10.0.0.0/8"))},
			claims: "[::ffff:127.0.0.1]", back: true, blocked: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, address, _ := startSeed(t, "seed-1")
			if tt.claims != "" {
				_, port, _ := net.SplitHostPort(address)
				address = tt.claims + ":" + port
			}
			b := start(t, "b", []string{"users"}, tt.options...)
			req := request("seed-1", "users")
			req.Address = address
			if answer := plainConnect(t, b, req); answer.GetStatus().GetCode() != 200 || cmp.Diff([]string{"users"}, answer.GetSharedNamespaces()) != "" {
				t.Fatalf("Connect answered %v", answer)
			}
			p, _ := b.Table().Peer("seed-1")
			if p.OneWay == tt.back || p.Routable() != tt.back || !p.Seed || p.State != active || (p.Reason == "") != tt.back {
				t.Errorf("the peer is %+v", p)
			}
			up := b.ListActiveConnections()
			if len(up) != 1 || (up[0].Client == nil) == tt.back {
				t.Errorf("the active connections are %+v", up)
			}
			err := call(t.Context(), p, connect.Spec{Procedure: "/U/G"}, &anypb.Any{}, &anypb.Any{})
			if (err == nil) != (tt.back && !tt.blocked) || err != nil && connect.CodeOf(err) != connect.CodeUnavailable {
				t.Errorf("a call back: %v", err)
			}
			if n := len(s.serve); n > 0 && (tt.blocked || !tt.back) {
				t.Errorf("%d calls reached an address that may not be dialled", n)
			}
		})
	}
}

// plainConnect calls Connect as a seed collector does: gRPC over HTTP/2, no link.
func plainConnect(t *testing.T, n *node, req *collector.ConnectRequest) *collector.ConnectResponse {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	client := collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(
		connecthttp.NewTransport(&http.Client{Transport: transport}, "http://"+n.address, connecthttp.WithGRPC())))
	answer, err := client.Connect(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
