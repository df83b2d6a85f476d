package dispatcher_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// rpc is a client of the seed's three RPCs.
func (n node) rpc(t *testing.T) collectorconnect.CollectiveDispatcherClient {
	t.Helper()
	transport := connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address, connecthttp.WithGRPC())
	return collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(transport))
}

func pack(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	packed, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func ref(service string) *collector.ServiceTypeRef {
	return &collector.ServiceTypeRef{ServiceName: service}
}

// registerString adds an untyped handler that greets whom it is given.
func (n node) registerString(t *testing.T, namespace, service, method string) {
	t.Helper()
	err := n.RegisterService(namespace, service, method, func(_ context.Context, input any) (any, error) {
		name, _ := input.(string)
		return "hello " + name + " from " + n.ID(), nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestServe_Invocation(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"users"})
	a.registerString(t, "users", "UserService", "GetUser")
	got, err := a.rpc(t).Serve(t.Context(), &collector.ServeRequest{
		Namespace: "users", Service: ref("UserService"), MethodName: "GetUser", Input: pack(t, wrapperspb.String("bob")),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &collector.ServeResponse{
		Status:     &collector.Status{Code: 200, Message: "OK", Details: map[string]string{"code": "ok", "route": "a"}},
		Output:     pack(t, wrapperspb.String("hello bob from a")),
		ExecutorId: "a",
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func TestServe_MultipleServices(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"users", "orders"})
	for _, m := range [][3]string{{"users", "UserService", "GetUser"}, {"users", "UserService", "CreateUser"},
		{"users", "AuthService", "Login"}, {"orders", "UserService", "GetUser"}} {
		answer := strings.Join(m[:], "/")
		if err := a.RegisterService(m[0], m[1], m[2], func(context.Context, any) (any, error) { return answer, nil }); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"users/UserService/GetUser", "users/UserService/CreateUser", "users/AuthService/Login", "orders/UserService/GetUser"} {
		parts := strings.Split(want, "/")
		res, err := a.Serve(t.Context(), &collector.ServeRequest{Namespace: parts[0], Service: ref(parts[1]), MethodName: parts[2]})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pack(t, wrapperspb.String(want)), res.GetOutput(), protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want, diff)
		}
	}
}

func TestServe_TypedHandlerByShortAndFullName(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	a.hostEcho(t, "test")
	for _, service := range []string{"EchoService", "collector.testing.v1.EchoService"} {
		for _, url := range []string{"type.googleapis.com/collector.testing.v1.EchoRequest", "collector.testing.v1.EchoRequest"} {
			input := pack(t, &testingv1.EchoRequest{Text: "hi"})
			input.TypeUrl = url
			res, err := a.rpc(t).Serve(t.Context(), &collector.ServeRequest{Namespace: "test", Service: ref(service), MethodName: "Echo", Input: input})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(pack(t, &testingv1.EchoResponse{Text: "hi on a"}), res.GetOutput(), protocmp.Transform()); diff != "" {
				t.Errorf("%s with %s (-want +got):\n%s", service, url, diff)
			}
		}
	}
}

func TestServe_ScalarsArriveAndLeaveAsGoValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		input  proto.Message
		want   any // what the handler sees
		output any // what it returns
		packed proto.Message
	}{
		{wrapperspb.String("x"), "x", "y", wrapperspb.String("y")},
		{wrapperspb.Bool(true), true, false, wrapperspb.Bool(false)},
		{wrapperspb.Int32(-1), int32(-1), int32(-2), wrapperspb.Int32(-2)},
		{wrapperspb.Int64(-1), int64(-1), int64(-2), wrapperspb.Int64(-2)},
		{wrapperspb.UInt32(1), uint32(1), uint32(2), wrapperspb.UInt32(2)},
		{wrapperspb.UInt64(1), uint64(1), uint64(2), wrapperspb.UInt64(2)},
		{wrapperspb.Float(1.5), float32(1.5), float32(2.5), wrapperspb.Float(2.5)},
		{wrapperspb.Double(1.5), 1.5, 2.5, wrapperspb.Double(2.5)},
		{wrapperspb.Bytes([]byte("x")), []byte("x"), []byte("y"), wrapperspb.Bytes([]byte("y"))},
		{&emptypb.Empty{}, nil, nil, &emptypb.Empty{}},
		{nil, nil, int(7), wrapperspb.Int64(7)},
		{nil, nil, int8(7), wrapperspb.Int32(7)},
		{nil, nil, int16(7), wrapperspb.Int32(7)},
		{nil, nil, uint(7), wrapperspb.UInt64(7)},
		{nil, nil, uint8(7), wrapperspb.UInt32(7)},
		{nil, nil, uint16(7), wrapperspb.UInt32(7)},
		{&testingv1.EchoRequest{Text: "m"}, &testingv1.EchoRequest{Text: "m"}, &testingv1.EchoResponse{Text: "n"}, &testingv1.EchoResponse{Text: "n"}},
	}
	a := serve(t, "a", []string{"test"})
	type step struct{ seen, answer any }
	var current step
	if err := a.RegisterService("test", "S", "M", func(_ context.Context, in any) (any, error) {
		current.seen = in
		return current.answer, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		current = step{answer: tt.output}
		req := &collector.ServeRequest{Namespace: "test", Service: ref("S"), MethodName: "M"}
		if tt.input != nil {
			req.Input = pack(t, tt.input)
		}
		res, err := a.Serve(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, current.seen, protocmp.Transform()); diff != "" {
			t.Errorf("%T arrives (-want +got):\n%s", tt.input, diff)
		}
		if diff := cmp.Diff(pack(t, tt.packed), res.GetOutput(), protocmp.Transform()); diff != "" {
			t.Errorf("%T leaves (-want +got):\n%s", tt.output, diff)
		}
	}
}

// wrong is a request that must be refused, and how.
type wrong struct {
	name    string
	req     *collector.ServeRequest
	code    int32
	connect connect.Code
	reason  string
	message string // a part of it
}

func wrongRequests(t *testing.T) []wrong {
	echoRef, text := ref("collector.testing.v1.EchoService"), wrapperspb.String("x")
	bad := func(namespace string, service *collector.ServiceTypeRef, method string, input *anypb.Any) *collector.ServeRequest {
		return &collector.ServeRequest{Namespace: namespace, Service: service, MethodName: method, Input: input}
	}
	any := func(url string, value string) *anypb.Any { return &anypb.Any{TypeUrl: url, Value: []byte(value)} }
	const echoRequest = "type.googleapis.com/collector.testing.v1.EchoRequest"
	return []wrong{
		{"empty namespace", bad("", echoRef, "Echo", nil), 400, connect.CodeInvalidArgument, "invalid_request", "namespace is empty"},
		{"empty service", bad("test", ref(""), "Echo", nil), 400, connect.CodeInvalidArgument, "invalid_request", "service name is empty"},
		{"empty method", bad("test", echoRef, "", nil), 400, connect.CodeInvalidArgument, "invalid_request", "method name is empty"},
		{"no service", bad("test", nil, "Echo", nil), 400, connect.CodeInvalidArgument, "invalid_request", "service is not set"},
		{"two namespaces", bad("test", &collector.ServiceTypeRef{Namespace: "other", ServiceName: "EchoService"}, "Echo", nil), 400, connect.CodeInvalidArgument, "invalid_request", `in namespace "test" but its service is in "other"`},
		{"ungrammatical namespace", bad("Te st", echoRef, "Echo", nil), 400, connect.CodeInvalidArgument, "invalid_request", "want 1 to 63 of a-z"},
		{"ungrammatical method", bad("test", echoRef, "../Echo", nil), 400, connect.CodeInvalidArgument, "invalid_request", "want a name such as GetUser"},
		{"unknown namespace", bad("tset", echoRef, "Echo", nil), 404, connect.CodeNotFound, "namespace_unknown", `has no namespace "tset"; it has other, test`},
		{"unknown service", bad("test", ref("EchoServise"), "Echo", nil), 404, connect.CodeUnimplemented, "method_unknown", `has no service "EchoServise"; near: EchoService`},
		{"unknown method", bad("test", echoRef, "Ecko", nil), 404, connect.CodeUnimplemented, "method_unknown", `has no method "Ecko"; near: Echo`},
		{"method of another namespace", bad("other", echoRef, "Echo", nil), 404, connect.CodeUnimplemented, "method_unknown", "it is served in namespace test"},
		{"ambiguous short name", bad("test", ref("TwinService"), "M", nil), 400, connect.CodeInvalidArgument, "service_ambiguous", "use one of x.v1.TwinService, y.v1.TwinService"},
		{"streaming method", bad("test", echoRef, "Count", nil), 501, connect.CodeUnimplemented, "not_unary", "streaming method"},
		{"wrong type", bad("test", echoRef, "Echo", pack(t, text)), 400, connect.CodeInvalidArgument, "input_type", `is a "google.protobuf.StringValue", the method takes a "collector.testing.v1.EchoRequest"`},
		{"type without a name", bad("test", echoRef, "Echo", any("type.googleapis.com/", "x")), 400, connect.CodeInvalidArgument, "input_malformed", "names no message type"},
		{"type with a path", bad("test", echoRef, "Echo", any("https://evil/../a b", "")), 400, connect.CodeInvalidArgument, "input_malformed", "names no message type"},
		{"value without a type", bad("test", echoRef, "Echo", any("", "\n\x01x")), 400, connect.CodeInvalidArgument, "input_malformed", "names no message type"},
		{"truncated value", bad("test", echoRef, "Echo", any(echoRequest, "\n\x05x")), 400, connect.CodeInvalidArgument, "input_malformed", "cannot parse"},
		{"unknown type for an untyped handler", bad("test", ref("x.v1.TwinService"), "M", any("a.b.C", "")), 400, connect.CodeInvalidArgument, "input_type", `"a.b.C", which the handler's process does not know`},
		{"truncated wrapper", bad("test", ref("x.v1.TwinService"), "M", any("google.protobuf.StringValue", "\n\x05x")), 400, connect.CodeInvalidArgument, "input_malformed", "cannot parse"},
	}
}

// hostWrong registers what wrongRequests ask for.
func (n node) hostWrong(t *testing.T) {
	t.Helper()
	n.hostEcho(t, "test")
	n.registerString(t, "test", "x.v1.TwinService", "M")
	n.registerString(t, "test", "y.v1.TwinService", "M")
}

func TestServe_InvalidRequest(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test", "other"})
	a.hostWrong(t)
	client := a.rpc(t)
	for _, tt := range wrongRequests(t) {
		t.Run(tt.name, func(t *testing.T) {
			res, err := client.Serve(t.Context(), tt.req)
			if err != nil {
				t.Fatal(err)
			}
			tt.check(t, res.GetStatus(), "a")
			if res.GetExecutorId() != "a" || res.GetOutput() != nil {
				t.Errorf("executor %q, output %v", res.GetExecutorId(), res.GetOutput())
			}
		})
	}
}

func (w wrong) check(t *testing.T, status *collector.Status, route string) {
	t.Helper()
	details := map[string]string{"code": w.connect.String(), "reason": w.reason, "route": route}
	if diff := cmp.Diff(details, status.GetDetails()); diff != "" || status.GetCode() != w.code {
		t.Errorf("code %d, want %d; details (-want +got):\n%s", status.GetCode(), w.code, diff)
	}
	if !strings.Contains(status.GetMessage(), w.message) {
		t.Errorf("message %q does not say %q", status.GetMessage(), w.message)
	}
}

func TestServe_ErrorHandling(t *testing.T) {
	t.Parallel()
	log := new(bytes.Buffer)
	a := serve(t, "a", []string{"test"}, dispatcher.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	a.hostEcho(t, "test")
	handlers := map[string]dispatcher.ServiceHandler{
		"Plain": func(context.Context, any) (any, error) { return nil, errors.New("the disk is full") },
		"Coded": func(context.Context, any) (any, error) {
			return nil, connect.NewError(connect.CodeNotFound, "no such user")
		},
		"Panic":   func(context.Context, any) (any, error) { panic("password is hunter2") },
		"Unknown": func(context.Context, any) (any, error) { return make(chan int), nil },
		"Remote": func(context.Context, any) (any, error) {
			return nil, connect.NewError(connect.CodeNotFound, "elsewhere").WithRemote()
		},
		"Expired": func(context.Context, any) (any, error) { return nil, context.DeadlineExceeded },
		"NilAny":  func(context.Context, any) (any, error) { return (*anypb.Any)(nil), nil },
	}
	for method, handler := range handlers {
		if err := a.RegisterService("test", "S", method, handler); err != nil {
			t.Fatal(err)
		}
	}
	tests := []wrong{
		{name: "Plain", code: 500, connect: connect.CodeUnknown, reason: "handler_error", message: "the disk is full"},
		{name: "Coded", code: 404, connect: connect.CodeNotFound, reason: "handler_error", message: "no such user"},
		{name: "Panic", code: 500, connect: connect.CodeInternal, reason: "handler_panic", message: "handling S/Panic panicked"},
		{name: "Unknown", code: 500, connect: connect.CodeInternal, reason: "handler_error", message: "returned a chan int"},
		{name: "Remote", code: 500, connect: connect.CodeInternal, reason: "handler_error", message: "the handler of S/Remote answered with the error of a call that it had made, which was not_found"},
		{name: "Expired", code: 504, connect: connect.CodeDeadlineExceeded, reason: "deadline", message: "deadline"},
	}
	for _, tt := range tests {
		res, err := a.rpc(t).Serve(t.Context(), &collector.ServeRequest{Namespace: "test", Service: ref("S"), MethodName: tt.name})
		if err != nil {
			t.Fatal(err)
		}
		tt.check(t, res.GetStatus(), "a")
		if strings.Contains(res.String(), "hunter2") || res.GetExecutorId() != "a" {
			t.Errorf("%s answers %v", tt.name, res)
		}
	}
	if text := log.String(); !strings.Contains(text, "hunter2") || !strings.Contains(text, "serve_test.go") {
		t.Errorf("the log lacks the panic or its stack:\n%s", text)
	}
	if res, _ := a.Serve(t.Context(), &collector.ServeRequest{Namespace: "test", Service: ref("S"), MethodName: "NilAny"}); res.GetStatus().GetCode() != 200 {
		t.Errorf("a nil *anypb.Any: %v", res)
	}
}

func TestServe_Limits(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	a.hostEcho(t, "test")
	big := &collector.ServeRequest{
		Namespace: "test", Service: ref("EchoService"), MethodName: "Echo",
		Input: pack(t, &testingv1.EchoRequest{Text: strings.Repeat("x", 5<<20)}),
	}
	if _, err := a.rpc(t).Serve(t.Context(), big); connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("5 MiB request: %v", err)
	}
	big.Input = pack(t, &testingv1.EchoRequest{Padding: 5 << 20})
	res, err := a.rpc(t).Serve(t.Context(), big)
	if err != nil {
		t.Fatal(err)
	}
	wrong{code: 429, connect: connect.CodeResourceExhausted, reason: "too_large", message: "the answer has"}.check(t, res.GetStatus(), "a")
}

func TestServe_HeadersReachTheHandler(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	seen := make(map[string]string)
	if err := a.RegisterService("test", "S", "M", func(ctx context.Context, _ any) (any, error) {
		info, _ := connect.CallInfoForServerContext(ctx)
		for name, values := range info.RequestHeader().All() {
			seen[name] = values[0]
		}
		info.ResponseHeader().Set("X-Answer", "yes")
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("X-Trace", "1")
	info.RequestHeader().Set("Collective-Executor", "forged")
	_, err := a.rpc(t).Serve(ctx, &collector.ServeRequest{
		Namespace: "test", Service: ref("S"), MethodName: "M",
		ExecutionContext: map[string]string{"x-tenant": "blue", "collective-route": "forged", "host": "evil", "bad\nname": "x", "x-bad": "a\r\nb"},
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(seen, "User-Agent")
	if diff := cmp.Diff(map[string]string{"X-Trace": "1", "X-Tenant": "blue"}, seen); diff != "" {
		t.Errorf("the handler's headers (-want +got):\n%s", diff)
	}
	if info.ResponseHeader().Get("X-Answer") != "yes" {
		t.Error("the handler's response header is lost")
	}
}
