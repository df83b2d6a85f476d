package cli_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
	"github.com/collectiverpc/collective/registry"
)

// Short spellings for the fixtures.
const (
	active = collector.ConnectionState_CONNECTION_STATE_ACTIVE
	idle   = collector.ConnectionState_CONNECTION_STATE_IDLE
	stale  = collector.ConnectionState_CONNECTION_STATE_STALE
	closed = collector.ConnectionState_CONNECTION_STATE_CLOSED
)

func ago(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(now.Add(-d)) }

// fakeMesh answers MeshService as a collector a would that is linked with b and c and has lost d.
type fakeMesh struct {
	meshv1connect.UnimplementedMeshServiceHandler
	status *meshv1.GetStatusResponse // nil for the usual one
	err    error                     // what every method fails with
}

// fakeOperator takes everybody for the user of the collector.
type fakeOperator struct {
	meshv1connect.UnimplementedOperatorServiceHandler
}

func (fakeOperator) WhoAmI(context.Context, *meshv1.WhoAmIRequest) (*meshv1.WhoAmIResponse, error) {
	return &meshv1.WhoAmIResponse{
		Kind: "User", Id: "uid:ann", Groups: []string{"operators"}, Network: "socket",
		Rights: []*meshv1.Right{
			{Action: "call", Allowed: true, Policies: []string{"socket-operators"}, Reason: "permitted by socket-operators"},
			{Action: "force", Policies: []string{"no-force"}, Reason: "forbidden by no-force"},
		},
		Access: []string{"unix socket: uid:ann and root, as operators", "policy: default, 8 policies"},
	}, nil
}

func (fakeOperator) ExplainAccess(_ context.Context, req *meshv1.ExplainAccessRequest) (*meshv1.ExplainAccessResponse, error) {
	q := req.GetQuestion()
	return &meshv1.ExplainAccessResponse{Decision: &meshv1.AccessDecision{
		Allowed: q.GetId() == "alice", Reason: q.GetKind() + " " + q.GetId() + " " + q.GetAction() + " " + q.GetProcedure() + ": by alice-orders",
		Policies: []*meshv1.PolicyText{{Id: "alice-orders", File: "mesh.cedar", Line: 3, Text: "permit (…);"}},
	}}, nil
}

func (fakeOperator) CreateLogin(_ context.Context, req *meshv1.CreateLoginRequest) (*meshv1.CreateLoginResponse, error) {
	return &meshv1.CreateLoginResponse{Token: "TOKEN" + req.GetAs()}, nil
}

func (fakeOperator) ListAudit(_ context.Context, req *meshv1.ListAuditRequest) (*meshv1.ListAuditResponse, error) {
	if req.GetDeniedOnly() {
		return &meshv1.ListAuditResponse{Missed: 3}, nil
	}
	return &meshv1.ListAuditResponse{Events: []*meshv1.AuditEvent{
		{
			Seq: 2, Time: ago(time.Minute), Kind: "Anonymous", Id: "anonymous", Network: "loopback", Action: "observe", Procedure: "/collector.mesh.v1.MeshService/Watch",
			Reason: "no policy permits it", Count: 12, LastTime: ago(0),
		},
		{
			Seq: 1, Time: ago(time.Hour), Kind: "User", Id: "uid:ann", Network: "socket", Action: "operate", Allowed: true, Policies: []string{"socket-operators"},
			Reason: "permitted by socket-operators", Detail: map[string]string{"address": "127.0.0.1:50052"}, Count: 1, LastTime: ago(time.Hour),
		},
	}}, nil
}

func (f fakeMesh) ListDispatches(context.Context, *meshv1.ListDispatchesRequest) (*meshv1.ListDispatchesResponse, error) {
	return &meshv1.ListDispatchesResponse{Scanned: 2, Dispatches: []*meshv1.Dispatch{
		{
			Seq: 2, StartedAt: ago(0), DurationNanos: 1_400_000, Namespace: "orders", Procedure: "/shop.v1.OrderService/GetOrder",
			SourceCollectorId: "a", ExecutorCollectorId: "b", Route: []string{"a", "b"}, Code: "not_found", Message: "no order o-9", Principal: `User::"alice"`,
		},
		{
			Seq: 1, StartedAt: ago(time.Second), DurationNanos: 250_000, Namespace: "users", Procedure: "/shop.v1.UserService/GetUser",
			SourceCollectorId: "a", ExecutorCollectorId: "a", Route: []string{"a"}, Code: "ok",
		},
	}}, f.err
}

func (f fakeMesh) GetMetrics(context.Context, *meshv1.GetMetricsRequest) (*meshv1.GetMetricsResponse, error) {
	return &meshv1.GetMetricsResponse{StepSeconds: 10, Series: []*meshv1.Series{
		{Kind: meshv1.SeriesKind_SERIES_KIND_COLLECTOR, Name: "a", Total: &meshv1.Point{Calls: 120, Errors: 3, P50Nanos: 300_000, P90Nanos: 900_000, P99Nanos: 3_100_000}},
		{Kind: meshv1.SeriesKind_SERIES_KIND_PEER, Name: "b", Total: &meshv1.Point{Calls: 40, Errors: 3, P50Nanos: 900_000, P90Nanos: 2_000_000, P99Nanos: 3_100_000}},
		{Kind: meshv1.SeriesKind_SERIES_KIND_METHOD, Namespace: "users", Name: "/shop.v1.UserService/GetUser", Total: &meshv1.Point{Calls: 80, P50Nanos: 250_000, P90Nanos: 300_000, P99Nanos: 400_000}},
	}}, f.err
}

func (f fakeMesh) GetStatus(context.Context, *meshv1.GetStatusRequest) (*meshv1.GetStatusResponse, error) {
	if f.status != nil || f.err != nil {
		return f.status, f.err
	}
	return &meshv1.GetStatusResponse{
		CollectorId: "a", Address: "127.0.0.1:50051", SessionId: "s-1", StartedAt: ago(252 * time.Second),
		Namespaces: []string{"users", "orders"}, Store: &meshv1.StoreStatus{Path: "./a.db"},
		Warnings: []string{"connection c-7f2 to d is stale since the restart 4m ago → collector connect 127.0.0.1:50054"},
		Version:  "v1", Limits: map[string]string{"message": "4 MiB", "connections": "512"},
		Links: []string{"links need the mesh secret", "this collector's key is SHA256:aaa"}, Callers: []string{"API keys of keys: 2", "policy: p.cedar, 4 policies"},
		History: &meshv1.HistoryStatus{MemoryCalls: 8192, StoredCalls: 5000, StoredSeconds: 3600, MissedCalls: 7},
		Peers: []*meshv1.Peer{
			{
				CollectorId: "b", ConnectionId: "c-0b1", Address: "127.0.0.1:50052", State: active, Dialed: true,
				SharedNamespaces: []string{"orders"}, Calls: 1234, Errors: 5, LastActivity: ago(0), RttNanos: 310_000, Carrier: "upgrade",
			},
			{
				CollectorId: "c", ConnectionId: "c-0c2", Address: "127.0.0.1:50053", State: idle,
				SharedNamespaces: []string{"users", "orders"}, Calls: 36, LastActivity: ago(2 * time.Minute), RttNanos: 1_250_000, Carrier: "rpc",
			},
			{
				CollectorId: "d", ConnectionId: "c-7f2", Address: "127.0.0.1:50054", State: stale,
				SharedNamespaces: []string{"users"}, LastActivity: ago(4 * time.Minute),
			},
		},
	}, nil
}

func (f fakeMesh) ListConnections(
	_ context.Context, req *meshv1.ListConnectionsRequest,
) (*meshv1.ListConnectionsResponse, error) {
	res := new(meshv1.ListConnectionsResponse)
	for _, c := range []*collector.Connection{
		connection("c-0b1", "a", "b", active, true, ""),
		connection("c-7f2", "d", "a", stale, false, "the peer closed the link"),
		connection("c-9e3", "a", "e", closed, true, "moving\thouse \x1b[31mred"),
	} {
		if len(req.GetStates()) == 0 || req.GetStates()[0] == c.GetState() {
			res.Connections = append(res.Connections, c)
		}
	}
	return res, f.err
}

func (f fakeMesh) ListConnectionChanges(
	_ context.Context, req *meshv1.ListConnectionChangesRequest,
) (*meshv1.ListConnectionChangesResponse, error) {
	if req.GetPeerCollectorId() == "z" {
		return &meshv1.ListConnectionChangesResponse{}, f.err
	}
	at := func(c *collector.Connection, d time.Duration) *collector.Connection {
		c.StateChangedAt = ago(d)
		return c
	}
	return &meshv1.ListConnectionChangesResponse{Changes: []*meshv1.ConnectionChange{
		{Before: active, Connection: at(connection("c-7f2", "d", "a", stale, false, "the peer closed the link"), 4*time.Minute)},
		{Before: stale, Connection: at(connection("c-0b1", "a", "b", active, true, ""), 10*time.Minute)},
		{Before: active, Connection: at(connection("c-0b1", "a", "b", stale, true, "no answer for 2 s"), 10*time.Minute+3*time.Second)},
		{Connection: at(connection("c-7f2", "d", "a", active, false, ""), time.Hour)},
	}}, f.err
}

// Watch tells of one connection that is lost, and ends.
func (f fakeMesh) Watch(_ context.Context, _ *meshv1.WatchRequest, stream meshv1connect.MeshServiceWatchServerStream) error {
	lost := &meshv1.ConnectionChange{Before: active, Connection: connection("c-0b1", "a", "b", stale, true, "the peer closed the link")}
	for i, event := range []*meshv1.WatchResponse{
		{Content: &meshv1.WatchResponse_Snapshot{Snapshot: &meshv1.Topology{
			Connections: []*collector.Connection{connection("c-0b1", "a", "b", active, true, "")},
		}}},
		{Content: &meshv1.WatchResponse_Connection{Connection: lost}},
		{Content: &meshv1.WatchResponse_Heartbeat{Heartbeat: &meshv1.Heartbeat{}}},
	} {
		event.Event, event.Time = uint64(i+1), ago(0)
		if err := stream.Send(event); err != nil {
			return err
		}
	}
	return f.err
}

func connection(id, source, target string, state collector.ConnectionState, dialed bool, reason string) *collector.Connection {
	return &collector.Connection{
		Id: id, SourceCollectorId: source, TargetCollectorId: target, Address: "127.0.0.1:50052",
		SharedNamespaces: []string{"orders"}, State: state, IsInitiator: dialed, RequestCount: 1500, ErrorCount: 3,
		BytesSent: 2048, BytesReceived: 5 << 20, CloseReason: reason, StateChangedAt: ago(90 * time.Second),
		LastActivity: ago(3 * time.Hour),
	}
}

func (f fakeMesh) ListServices(context.Context, *meshv1.ListServicesRequest) (*meshv1.ListServicesResponse, error) {
	return &meshv1.ListServicesResponse{Services: []*meshv1.Service{
		{Namespace: "orders", Name: "shop.v1.OrderService", Methods: []*meshv1.Method{
			{Name: "CreateOrder", InputType: "shop.v1.CreateOrderRequest", OutputType: "shop.v1.CreateOrderResponse", CollectorIds: []string{"b", "c"}, Skews: []*meshv1.SchemaSkew{
				{CollectorId: "d", Reason: "has an incompatible schema of it: shop.v1.CreateOrderRequest.qty changed its type from int32 to string (FIELD_WIRE_JSON_COMPATIBLE_TYPE)"},
				{CollectorId: "c", Compatible: true, Reason: "has another schema of it, which is compatible; it differs in shop.v1.CreateOrderRequest.note"},
			}},
			{Name: "WatchOrders", InputType: "shop.v1.WatchOrdersRequest", OutputType: "shop.v1.WatchOrdersResponse", ServerStreaming: true, CollectorIds: []string{"b"}, Skews: []*meshv1.SchemaSkew{
				{CollectorId: "d", Pending: true, Reason: "has another schema of it, which is not known here yet"},
			}},
		}},
		{Namespace: "users", Name: "Greeter", Methods: []*meshv1.Method{{Name: "Greet", CollectorIds: []string{"a"}}}},
	}}, f.err
}

func (f fakeMesh) GetDescriptorSet(
	_ context.Context, req *meshv1.GetDescriptorSetRequest,
) (*meshv1.GetDescriptorSetResponse, error) {
	set := new(descriptorpb.FileDescriptorSet)
	addFile(set, map[string]bool{}, testingv1.File_collector_testing_v1_testing_proto)
	if req.GetCollectorId() == "b" {
		set = new(descriptorpb.FileDescriptorSet)
		addFile(set, map[string]bool{}, shopv1.File_shop_v1_orders_proto)
	}
	return &meshv1.GetDescriptorSetResponse{FileDescriptorSet: set}, f.err
}

func addFile(set *descriptorpb.FileDescriptorSet, seen map[string]bool, file protoreflect.FileDescriptor) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		addFile(set, seen, file.Imports().Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
}

// ExplainRoute knows shop.v1.OrderService on b, EchoService and the untyped Greeter on a.
func (f fakeMesh) ExplainRoute(_ context.Context, req *meshv1.ExplainRouteRequest) (*meshv1.ExplainRouteResponse, error) {
	if f.err != nil {
		return nil, f.err
	}
	here := &meshv1.Candidate{CollectorId: "a", Local: true, Reason: "not registered here"}
	there := &meshv1.Candidate{CollectorId: "b", Rank: 1, Eligible: true, Reason: `registered, shared namespace "orders", active`}
	gone := &meshv1.Candidate{CollectorId: "d", Reason: "connection is stale: the peer closed the link"}
	switch req.GetServiceName() {
	case "Greeter", "EchoService", "collector.testing.v1.EchoService":
		here.Eligible, here.Rank, here.Reason = true, 1, `registered here in namespace "users"`
		return &meshv1.ExplainRouteResponse{
			Namespace: "users", Procedure: procedureOf(req), Candidates: []*meshv1.Candidate{here}, ChosenCollectorId: "a",
		}, nil
	case "Gone":
		return &meshv1.ExplainRouteResponse{
			Namespace: "users", Procedure: "/Gone/Method", Candidates: []*meshv1.Candidate{here, gone},
			Code: "unavailable", Reason: "unreachable", Message: "nobody who serves Gone/Method can be reached",
		}, nil
	case "OrderService", "shop.v1.OrderService":
		if req.GetMethodName() == "CreateOrdr" {
			return &meshv1.ExplainRouteResponse{
				Code: "unimplemented", Reason: "method_unknown", Message: `no method "CreateOrdr"; near: CreateOrder`,
			}, nil
		}
		return &meshv1.ExplainRouteResponse{
			Namespace: "orders", Procedure: "/shop.v1.OrderService/" + req.GetMethodName(),
			Candidates: []*meshv1.Candidate{here, there, gone}, ChosenCollectorId: "b",
		}, nil
	}
	return &meshv1.ExplainRouteResponse{
		Code: "failed_precondition", Reason: "namespace_ambiguous",
		Message: "service Twice is in namespaces orders and users: name one",
	}, nil
}

func procedureOf(req *meshv1.ExplainRouteRequest) string {
	if req.GetServiceName() == "Greeter" {
		return "/Greeter/" + req.GetMethodName()
	}
	return "/collector.testing.v1.EchoService/" + req.GetMethodName()
}

func (f fakeMesh) PruneConnections(_ context.Context, req *meshv1.PruneConnectionsRequest) (*meshv1.PruneConnectionsResponse, error) {
	over := []*collector.Connection{
		connection("c-9e3", "a", "e", closed, true, "moving house"),
		connection("c-7f2", "d", "a", stale, false, "the peer closed the link"),
	}
	if req.GetOlderThanNanos() > int64(time.Hour) {
		over = nil
	}
	return &meshv1.PruneConnectionsResponse{Connections: over[min(len(over), int(req.GetKeep())):]}, f.err
}

func (f fakeMesh) ListTrust(context.Context, *meshv1.ListTrustRequest) (*meshv1.ListTrustResponse, error) {
	return &meshv1.ListTrustResponse{
		Fingerprint: "SHA256:aaa", Links: []string{"links come from this machine only", "this collector's key is SHA256:aaa"},
		Keys: []*meshv1.KnownKey{{CollectorId: "b", Fingerprint: "SHA256:bbb", Proof: "first use", Refused: `the key of collector "b" has changed`}},
	}, f.err
}

func (f fakeMesh) ForgetTrust(_ context.Context, req *meshv1.ForgetTrustRequest) (*meshv1.ForgetTrustResponse, error) {
	return &meshv1.ForgetTrustResponse{Key: &meshv1.KnownKey{CollectorId: req.GetCollectorId(), Fingerprint: "SHA256:bbb", Proof: "first use"}}, f.err
}

func (f fakeMesh) ConnectTo(_ context.Context, req *meshv1.ConnectToRequest) (*meshv1.ConnectToResponse, error) {
	c := connection("c-0f4", "a", "f", active, true, "")
	c.Address, c.SharedNamespaces = req.GetAddress(), req.GetNamespaces()
	return &meshv1.ConnectToResponse{Connection: c}, f.err
}

func (f fakeMesh) Disconnect(_ context.Context, req *meshv1.DisconnectRequest) (*meshv1.DisconnectResponse, error) {
	if req.GetConnectionId() != "c-0b1" {
		return nil, connect.Errorf(connect.CodeNotFound, "no connection %q", req.GetConnectionId())
	}
	return &meshv1.DisconnectResponse{Connection: connection("c-0b1", "a", "b", closed, true, req.GetReason())}, f.err
}

// fakeDispatcher runs CreateOrder on b and Greet on a.
type fakeDispatcher struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
}

func (fakeDispatcher) Serve(_ context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	status, output := handle(req.GetMethodName(), req.GetInput())
	return &collector.ServeResponse{Status: status, Output: output, ExecutorId: "a"}, nil
}

func (fakeDispatcher) Dispatch(_ context.Context, req *collector.DispatchRequest) (*collector.DispatchResponse, error) {
	status, output := handle(req.GetMethodName(), req.GetInput())
	executor, route := "b", []string{"a", "b"}
	if req.GetService().GetServiceName() == "Greeter" {
		executor, route = "a", []string{"a"}
	}
	return &collector.DispatchResponse{Status: status, Output: output, HandledByCollectorId: executor, Route: route}, nil
}

func handle(method string, input *anypb.Any) (*collector.Status, *anypb.Any) {
	if method == "Greet" {
		return &collector.Status{Code: 200}, input
	}
	var req shopv1.CreateOrderRequest
	if err := input.UnmarshalTo(&req); err != nil {
		return failed(400, "invalid_argument", "input_type", "not a CreateOrderRequest"), nil
	}
	if req.GetSku() == "" {
		return failed(400, "invalid_argument", "handler_error", "sku is empty"), nil
	}
	output, err := anypb.New(&shopv1.CreateOrderResponse{Order: &shopv1.Order{Id: "o-1", Sku: req.GetSku(), Qty: req.GetQty()}})
	if err != nil {
		return failed(500, "internal", "", err.Error()), nil
	}
	return &collector.Status{Code: 200}, output
}

func failed(number int32, code, reason, message string) *collector.Status {
	return &collector.Status{Code: number, Message: message, Details: map[string]string{"code": code, "reason": reason, "route": "a,b"}}
}

// fakeOrders is on b, on the native path: it is what a call of CreateOrder comes to.
type fakeOrders struct {
	shopv1connect.UnimplementedOrderServiceHandler
	failed error // what an order without a sku fails with; nil for the usual
}

func (f fakeOrders) CreateOrder(ctx context.Context, req *shopv1.CreateOrderRequest) (*shopv1.CreateOrderResponse, error) {
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		info.ResponseHeader().Set("Collective-Executor", "b")
		info.ResponseHeader().Set("Collective-Route", "a,b")
	}
	switch {
	case req.GetSku() == "" && f.failed != nil:
		return nil, f.failed
	case req.GetSku() == "":
		return nil, connect.NewError(connect.CodeInvalidArgument, "sku is empty")
	}
	return &shopv1.CreateOrderResponse{Order: &shopv1.Order{Id: "o-1", Sku: req.GetSku(), Qty: req.GetQty()}}, nil
}

// echo is the streaming side of the fake, on the native path.
type echo struct {
	testingv1connect.UnimplementedEchoServiceHandler
}

func (echo) Collect(ctx context.Context, stream testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error) {
	setRoute(ctx)
	res := new(testingv1.CollectResponse)
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return res, nil
		}
		if err != nil {
			return nil, err
		}
		res.Sum += req.GetNumber()
	}
}

func (echo) Count(ctx context.Context, req *testingv1.CountRequest, stream testingv1connect.EchoServiceCountServerStream) error {
	setRoute(ctx)
	for i := range req.GetLimit() {
		if err := stream.Send(&testingv1.CountResponse{Number: i + 1}); err != nil {
			return err
		}
	}
	if req.GetLimit() == 3 {
		return connect.NewError(connect.CodeDataLoss, "three is too many")
	}
	return nil
}

func (echo) Converse(ctx context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	setRoute(ctx)
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&testingv1.ConverseResponse{Text: req.GetText()}); err != nil {
			return err
		}
	}
}

func setRoute(ctx context.Context) {
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		info.ResponseHeader().Set("Collective-Executor", "a")
		info.ResponseHeader().Set("Collective-Route", info.RequestHeader().Get("Collective-Namespace")+"?a")
	}
}

// newFake serves a fake collector on a loopback socket and returns its URL.
func newFake(t *testing.T, mesh meshv1connect.MeshServiceHandler, change ...func(*http.Protocols)) string {
	t.Helper()
	return newFakeWith(t, mesh, fakeOrders{}, change...)
}

// onlyHTTP2 makes a fake without HTTP/1.
func onlyHTTP2(p *http.Protocols) { p.SetHTTP1(false) }

func newFakeWith(
	t *testing.T, mesh meshv1connect.MeshServiceHandler, orders fakeOrders, change ...func(*http.Protocols),
) string {
	t.Helper()
	server := connect.NewServer()
	shopv1connect.RegisterOrderServiceHandler(server, orders)
	meshv1connect.RegisterMeshServiceHandler(server, mesh)
	meshv1connect.RegisterOperatorServiceHandler(server, fakeOperator{})
	collectorconnect.RegisterCollectiveDispatcherHandler(server, fakeDispatcher{})
	testingv1connect.RegisterEchoServiceHandler(server, echo{})
	schemas, err := registry.New(t.Context(), registry.WithRegistrar(func(context.Context) error { return nil })) // a real one
	if err != nil {
		t.Fatal(err)
	}
	schemas.RegisterHandler(server)
	mux := http.NewServeMux()
	mux.HandleFunc("/console/", func(http.ResponseWriter, *http.Request) {})
	connecthttp.Mount(mux, server)
	listener := httptest.NewUnstartedServer(mux)
	listener.Config.Protocols = new(http.Protocols)
	listener.Config.Protocols.SetHTTP1(true)
	listener.Config.Protocols.SetUnencryptedHTTP2(true)
	for _, change := range change {
		change(listener.Config.Protocols)
	}
	listener.Start()
	t.Cleanup(listener.Close)
	return listener.URL
}
