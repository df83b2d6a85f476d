package dispatcher_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

func dispatchString(t *testing.T, client collectorconnect.CollectiveDispatcherClient, namespace, service, method, target string) *collector.DispatchResponse {
	t.Helper()
	res, err := client.Dispatch(t.Context(), &collector.DispatchRequest{
		Namespace: namespace, Service: ref(service), MethodName: method, TargetCollectorId: target,
		Input: pack(t, wrapperspb.String("bob")),
	})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// greeters are two linked collectors of which both greet in "both", and one each in "here" and "there".
func greeters(t *testing.T) (a, b node) {
	t.Helper()
	a, b = serve(t, "a", []string{"both"}), serve(t, "b", []string{"both"})
	for _, n := range []node{a, b} {
		n.registerString(t, "both", "x.v1.Greeter", "Greet")
		n.registerString(t, "both", "x.v1.Greeter", "Only"+strings.ToUpper(n.ID()))
	}
	join(t, a, b)
	a.knows(t, "both", "/x.v1.Greeter/OnlyB")
	b.knows(t, "both", "/x.v1.Greeter/OnlyA")
	return a, b
}

func TestDispatch_Routing(t *testing.T) {
	t.Parallel()
	a, b := greeters(t)
	tests := []struct {
		name           string
		at             node
		method, target string
		executor       string
		route          []string
	}{
		{"local", a, "Greet", "", "a", []string{"a"}},
		{"local by own id", a, "Greet", "a", "a", []string{"a"}},
		{"target", a, "Greet", "b", "b", []string{"a", "b"}},
		{"remote", a, "OnlyB", "", "b", []string{"a", "b"}},
		{"remote, from the side that was dialled", b, "OnlyA", "", "a", []string{"b", "a"}},
		{"target, from the side that was dialled", b, "Greet", "a", "a", []string{"b", "a"}},
	}
	for _, tt := range tests {
		for _, service := range []string{"Greeter", "x.v1.Greeter"} {
			got := dispatchString(t, tt.at.rpc(t), "both", service, tt.method, tt.target)
			want := &collector.DispatchResponse{
				Status:               &collector.Status{Code: 200, Message: "OK", Details: map[string]string{"code": "ok", "route": strings.Join(tt.route, ",")}},
				Output:               pack(t, wrapperspb.String("hello bob from "+tt.executor)),
				HandledByCollectorId: tt.executor,
				Route:                tt.route,
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("%s, service %s (-want +got):\n%s", tt.name, service, diff)
			}
		}
	}
}

func TestDispatch_TypedHandlerOnAPeer(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	ctx, info := connect.NewClientContext(t.Context())
	res, err := a.rpc(t).Dispatch(ctx, &collector.DispatchRequest{
		Namespace: "test", Service: ref("EchoService"), MethodName: "Echo",
		Input: pack(t, &testingv1.EchoRequest{Text: "hi"}), RoutingHints: map[string]string{"x-echo": "hint"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pack(t, &testingv1.EchoResponse{Text: "hi on b"}), res.GetOutput(), protocmp.Transform()); diff != "" {
		t.Errorf("output (-want +got):\n%s\n%v", diff, res)
	}
	if got := info.ResponseHeader().Get("X-Echo-Header") + info.ResponseTrailer().Get("X-Echo-Trailer"); got != "hinthint" {
		t.Errorf("header and trailer of the handler: %q", got)
	}
}

func TestDispatch_InvalidRequest(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test", "other"})
	a.hostWrong(t)
	for _, tt := range wrongRequests(t) {
		t.Run(tt.name, func(t *testing.T) {
			res, err := a.rpc(t).Dispatch(t.Context(), &collector.DispatchRequest{
				Namespace: tt.req.GetNamespace(), Service: tt.req.GetService(), MethodName: tt.req.GetMethodName(), Input: tt.req.GetInput(),
			})
			if err != nil {
				t.Fatal(err)
			}
			tt.check(t, res.GetStatus(), "a")
			if res.GetHandledByCollectorId() != "a" {
				t.Errorf("handled by %q", res.GetHandledByCollectorId())
			}
		})
	}
}

// What is wrong with a request is told the same whether the method is here or on a peer.
func TestDispatch_InvalidRequestOnAPeer(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test", "other"}), serve(t, "b", []string{"test", "other"})
	b.hostWrong(t)
	join(t, a, b)
	a.knows(t, "test", "/y.v1.TwinService/M")
	for _, tt := range wrongRequests(t) {
		t.Run(tt.name, func(t *testing.T) {
			res, err := a.rpc(t).Dispatch(t.Context(), &collector.DispatchRequest{
				Namespace: tt.req.GetNamespace(), Service: tt.req.GetService(), MethodName: tt.req.GetMethodName(), Input: tt.req.GetInput(),
			})
			if err != nil {
				t.Fatal(err)
			}
			tt.check(t, res.GetStatus(), strings.Join(res.GetRoute(), ","))
		})
	}
}

func TestDispatch_Refusals(t *testing.T) {
	t.Parallel()
	a, b := greeters(t)
	tests := []struct {
		method, target string
		want           wrong
	}{
		{"Greet", "z", wrong{code: 404, connect: connect.CodeNotFound, reason: "target_unknown", message: `no connection to a collector "z"`}},
		{"OnlyA", "b", wrong{code: 404, connect: connect.CodeUnimplemented, reason: "target_not_serving", message: `collector "b" does not serve x.v1.Greeter/OnlyA`}},
		{"OnlyB", "a", wrong{code: 404, connect: connect.CodeUnimplemented, reason: "target_not_serving", message: "call it without a target"}},
	}
	for _, tt := range tests {
		res := dispatchString(t, a.rpc(t), "both", "Greeter", tt.method, tt.target)
		tt.want.check(t, res.GetStatus(), "a")
	}
	disconnect(t, a, b)
	res := dispatchString(t, a.rpc(t), "both", "Greeter", "Greet", "b")
	wrong{code: 503, connect: connect.CodeUnavailable, reason: "unreachable", message: `collector "b" cannot be reached: connection is closed`}.check(t, res.GetStatus(), "a")
}

func disconnect(t *testing.T, a, b node) {
	t.Helper()
	peer, ok := a.Connections().Table().Peer(b.ID())
	if !ok {
		t.Fatalf("%s does not know %s", a.ID(), b.ID())
	}
	if err := a.Connections().Disconnect(t.Context(), peer.ConnectionID, "by the test", false); err != nil {
		t.Fatal(err)
	}
}

func TestDispatch_HandlerFailsOnAPeer(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	tests := []struct {
		input *testingv1.FailRequest
		want  wrong
	}{
		{&testingv1.FailRequest{Code: 5, Message: "no such thing"}, wrong{code: 404, connect: connect.CodeNotFound, reason: "handler_error", message: "no such thing"}},
		{&testingv1.FailRequest{Code: 14, Message: "try later"}, wrong{code: 503, connect: connect.CodeUnavailable, reason: "handler_error", message: "try later"}},
		{&testingv1.FailRequest{Code: 12, Message: "not yet"}, wrong{code: 501, connect: connect.CodeUnimplemented, reason: "handler_error", message: "not yet"}},
		{&testingv1.FailRequest{}, wrong{code: 500, connect: connect.CodeUnknown, reason: "handler_error", message: "unknown"}},
	}
	for _, tt := range tests {
		res, err := a.rpc(t).Dispatch(t.Context(), &collector.DispatchRequest{
			Namespace: "test", Service: ref("EchoService"), MethodName: "Fail", Input: pack(t, tt.input),
		})
		if err != nil {
			t.Fatal(err)
		}
		tt.want.check(t, res.GetStatus(), "a,b")
		if res.GetHandledByCollectorId() != "b" {
			t.Errorf("handled by %q", res.GetHandledByCollectorId())
		}
	}
	res, err := a.rpc(t).Dispatch(t.Context(), &collector.DispatchRequest{
		Namespace: "test", Service: ref("EchoService"), MethodName: "Echo", Input: pack(t, &testingv1.EchoRequest{Text: "panic"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong{code: 500, connect: connect.CodeInternal, reason: "handler_panic", message: `the log of collector "b" has the stack`}.check(t, res.GetStatus(), "a,b")
}

func TestDispatch_DeadlineReachesTheHandler(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	ended := make(chan error, 1)
	if err := b.RegisterService("test", "S", "Wait", func(ctx context.Context, _ any) (any, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", "/S/Wait")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	res, err := a.Dispatch(ctx, &collector.DispatchRequest{Namespace: "test", Service: ref("S"), MethodName: "Wait"})
	if err != nil {
		t.Fatal(err)
	}
	wrong{code: 504, connect: connect.CodeDeadlineExceeded, reason: "deadline", message: "deadline"}.check(t, res.GetStatus(), "a,b")
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the handler still waits")
	}
}

func TestDispatch_DefaultAndLongestDeadline(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"}, dispatcher.WithLimits(dispatcher.Limits{DefaultTimeout: time.Minute, MaxTimeout: 2 * time.Minute}))
	var left time.Duration
	if err := a.RegisterService("test", "S", "M", func(ctx context.Context, _ any) (any, error) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[time.Duration]time.Duration{0: time.Minute, time.Hour: 2 * time.Minute, 30 * time.Second: 30 * time.Second} {
		ctx := t.Context()
		if asked > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, asked)
			defer cancel()
		}
		if res, _ := a.Dispatch(ctx, &collector.DispatchRequest{Namespace: "test", Service: ref("S"), MethodName: "M"}); res.GetStatus().GetCode() != 200 {
			t.Fatal(res)
		}
		if left > want || left < want-10*time.Second {
			t.Errorf("asked for %v: the handler has %v, want about %v", asked, left, want)
		}
	}
}

// One hop: a peer's calls reach what is here and never go on. A Dispatch that a program asks of a peer by hand enters there.
func TestDispatch_NeverGoesOn(t *testing.T) {
	t.Parallel()
	a, b, c := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"}), serve(t, "c", []string{"test"})
	c.registerString(t, "test", "S", "M")
	join(t, a, b)
	join(t, b, c)
	b.knows(t, "test", "/S/M")
	if res := dispatchString(t, b.rpc(t), "test", "S", "M", ""); res.GetHandledByCollectorId() != "c" {
		t.Fatalf("b asks c: %v", res)
	}
	res := dispatchString(t, a.rpc(t), "test", "S", "M", "")
	wrong{code: 404, connect: connect.CodeUnimplemented, reason: "method_unknown", message: "has no service"}.check(t, res.GetStatus(), "a")
	served, err := b.rpc(t).Serve(t.Context(), &collector.ServeRequest{Namespace: "test", Service: ref("S"), MethodName: "M"})
	if err != nil {
		t.Fatal(err)
	}
	wrong{code: 404, connect: connect.CodeUnimplemented, reason: "method_unknown", message: "has no service"}.check(t, served.GetStatus(), "b")

	client, ok := a.Connections().GetClient(b.Address)
	if !ok {
		t.Fatal("a has no client for b")
	}
	over := dispatchString(t, client, "test", "S", "M", "")
	if diff := cmp.Diff([]string{"b", "c"}, over.GetRoute()); diff != "" || over.GetStatus().GetCode() != 200 || over.GetHandledByCollectorId() != "c" {
		t.Errorf("Dispatch asked of b: %v", over)
	}
}
