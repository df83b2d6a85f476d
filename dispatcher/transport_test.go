package dispatcher_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// mesh is a client of the test service over the transport of a collector.
func (n node) mesh(namespace string) testingv1connect.EchoServiceClient {
	return testingv1connect.NewEchoServiceClient(connect.NewClient(n.Transport(namespace)))
}

func TestTransport_AllStreamKindsHereAndOnAPeer(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for _, n := range []node{a, b} {
		for _, namespace := range []string{"test", ""} {
			exerciseStreams(t, n.mesh(namespace), "b")
		}
	}
}

func TestTransport_TellsTheRoute(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for n, want := range map[node][]string{a: {"a", "b"}, b: {"b"}} {
		ctx, _ := connect.NewClientContext(t.Context())
		if _, err := n.mesh("test").Echo(ctx, &testingv1.EchoRequest{}); err != nil {
			t.Fatal(err)
		}
		route, ok := dispatcher.RouteInfoForContext(ctx)
		if !ok || route.Executor != "b" || !cmp.Equal(route.Route, want) {
			t.Errorf("at %s: %+v", n.ID(), route)
		}
	}
}

func TestTransport_Target(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.hostEcho(t, "test")
	b.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
	for target, want := range map[string]string{"": " on a", "a": " on a", "b": " on b"} {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("X-Echo", "hello")
		if target != "" {
			info.RequestHeader().Set("Collective-Target", target)
		}
		res, err := a.mesh("test").Echo(ctx, &testingv1.EchoRequest{})
		if err != nil || res.GetText() != want {
			t.Errorf("target %q: %v, %v", target, res, err)
		}
		checkMetadata(t, info, "target "+target)
	}
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("Collective-Target", "z")
	if _, err := a.mesh("test").Echo(ctx, &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeNotFound || callFailure(t, err).GetReason() != "target_unknown" {
		t.Errorf("unknown target: %v", err)
	}
}

func TestTransport_Refusals(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	for namespace, want := range map[string]string{"tset": "namespace_unknown", "test": "method_unknown", "": "method_unknown"} {
		err := connect.NewClient(a.Transport(namespace)).CallUnary(t.Context(), connect.Spec{Procedure: "/x.S/M"}, &testingv1.EchoRequest{}, &testingv1.EchoResponse{})
		if got := callFailure(t, err).GetReason(); got != want {
			t.Errorf("%q: %v", namespace, err)
		}
	}
	// A client that takes a unary method for a stream was generated from another schema.
	_, err := a.Transport("test").NewClientStream(t.Context(), connect.Spec{StreamType: connect.StreamTypeServer, Procedure: testingv1connect.EchoServiceEchoProcedure})
	if connect.CodeOf(err) != connect.CodeUnimplemented || !strings.Contains(err.Error(), "another schema") {
		t.Errorf("err = %v", err)
	}
}

func TestTransport_Errors(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for _, n := range []node{a, b} {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("X-Echo", "hello")
		_, err := n.mesh("test").Fail(ctx, &testingv1.FailRequest{Code: 9, Message: "why", Detail: "more"})
		coded, ok := errors.AsType[*connect.Error](err)
		if !ok || coded.Code() != connect.CodeFailedPrecondition || coded.Message() != "why" || len(coded.Details()) != 1 || !coded.IsRemote() {
			t.Errorf("at %s: %v", n.ID(), err)
		}
		checkMetadata(t, info, "Fail")
		if _, err := n.mesh("test").Fail(t.Context(), &testingv1.FailRequest{}); connect.CodeOf(err) != connect.CodeUnknown || strings.Contains(err.Error(), "secret") {
			t.Errorf("plain error at %s: %v", n.ID(), err)
		}
		if _, err := n.mesh("test").Echo(t.Context(), &testingv1.EchoRequest{Text: "panic"}); connect.CodeOf(err) != connect.CodeInternal || strings.Contains(err.Error(), "secret") {
			t.Errorf("panic at %s: %v", n.ID(), err)
		}
		stream, err := n.mesh("test").Converse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&testingv1.ConverseRequest{Text: "stop"}); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeAborted {
			t.Errorf("stream at %s: %v", n.ID(), err)
		}
		for err == nil {
			err = stream.Send(&testingv1.ConverseRequest{Text: "more"})
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("Send after the end at %s: %v", n.ID(), err)
		}
		_ = stream.Close()
	}
}

func TestTransport_ContextEndsTheHandler(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	started, ended := make(chan struct{}, 1), make(chan error, 1)
	wait := func(ctx context.Context, _ connect.Spec, _ connect.ServerStream) error {
		started <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	if err := b.RegisterDynamic("test", echoService(), wait); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceCountProcedure)
	for _, n := range []node{a, b} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := n.mesh("test").Echo(ctx, &testingv1.EchoRequest{})
		cancel()
		if connect.CodeOf(err) != connect.CodeDeadlineExceeded {
			t.Errorf("unary at %s: %v", n.ID(), err)
		}
		<-started
		waitEnded(t, n, "unary", ended)

		stream, err := n.mesh("test").Converse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.SendHeaders(); err != nil {
			t.Fatal(err)
		}
		<-started
		if err := stream.Close(); err != nil {
			t.Fatal(err)
		}
		waitEnded(t, n, "stream", ended)
	}
}

func waitEnded(t *testing.T, n node, what string, ended <-chan error) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatalf("%s at %s: the handler still waits", what, n.ID())
	}
}

type secretKey struct{}

// A call that stays in the process shares neither messages nor context values with its caller.
func TestTransport_LocalCallsAreIsolated(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	shared := &testingv1.EchoResponse{Text: "answer", Padding: []byte("padding")}
	var got *testingv1.EchoRequest
	err := a.Register("test", func(s *connect.Server) {
		testingv1connect.RegisterEchoServiceHandler(s, isolated{answer: shared, got: &got})
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, info := connect.NewClientContext(context.WithValue(t.Context(), secretKey{}, "secret"))
	info.RequestHeader().Set("X-Mine", "1")
	req := &testingv1.EchoRequest{Text: "question"}
	res, err := a.mesh("test").Echo(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	if got == req || res == shared {
		t.Error("a message is shared")
	}
	res.Padding[0], got.Text = 'X', "changed"
	if shared.GetPadding()[0] != 'p' || req.GetText() != "question" {
		t.Error("messages share memory")
	}
	if info.RequestHeader().Get("X-Mine") != "1" {
		t.Error("the handler changed the caller's headers")
	}

	stream, err := a.mesh("test").Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	msg := &testingv1.ConverseRequest{Text: "one"}
	for _, text := range []string{"one", "two"} {
		msg.Text = text // the sender may use its message again at once
		if err := stream.Send(msg); err != nil {
			t.Fatal(err)
		}
		if res, err := stream.Receive(); err != nil || res.GetText() != text {
			t.Fatalf("%v, %v", res, err)
		}
	}
}

type isolated struct {
	testingv1connect.UnimplementedEchoServiceHandler
	answer *testingv1.EchoResponse
	got    **testingv1.EchoRequest
}

func (s isolated) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	if ctx.Value(secretKey{}) != nil {
		return nil, errors.New("the caller's context value is here")
	}
	info, _ := connect.CallInfoForServerContext(ctx)
	info.RequestHeader().Set("X-Mine", "2")
	*s.got = req
	return s.answer, nil
}

// Converse uses one response message for all answers.
func (s isolated) Converse(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	res := new(testingv1.ConverseResponse)
	for {
		req, err := stream.Receive()
		if err != nil {
			return nil
		}
		res.Text = req.GetText()
		if err := stream.Send(res); err != nil {
			return err
		}
		res.Text = "changed after Send"
	}
}

func TestDial_CallsWithoutHosting(t *testing.T) {
	t.Parallel()
	b := serve(t, "b", []string{"test", "other"})
	b.hostEcho(t, "test")
	client, err := dispatcher.Dial(t.Context(), b.Address, []string{"test"})
	if err != nil {
		t.Fatal(err)
	}
	exerciseStreams(t, testingv1connect.NewEchoServiceClient(connect.NewClient(client.Transport("test"))), "b")
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := testingv1connect.NewEchoServiceClient(connect.NewClient(client.Transport("test"))).Echo(t.Context(), &testingv1.EchoRequest{}); err == nil {
		t.Error("a closed client answers")
	}
	if _, err := dispatcher.Dial(t.Context(), "127.0.0.1:1", []string{"test"}); err == nil {
		t.Error("dialled nobody")
	}
	if _, err := dispatcher.Dial(t.Context(), b.Address, []string{"Bad Name"}); err == nil {
		t.Error("dialled with a bad namespace")
	}
}
