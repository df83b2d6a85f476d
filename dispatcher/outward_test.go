package dispatcher_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// What any server would answer alike looks alike: no detail that a client would have to know.
func TestNative_FailuresOfAnyServerHaveNoDetail(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	for path, want := range map[string]struct {
		status  int
		timeout string
		reason  string
	}{
		"/collector.testing.v1.EchoService/Nope":         {http.StatusNotFound, "1000", "method_unknown"},
		"/nobody.has.This/Method":                        {http.StatusNotFound, "1000", "method_unknown"},
		testingv1connect.EchoServiceEchoProcedure:        {http.StatusGatewayTimeout, "0", "deadline"},
		"/ns/nope/collector.testing.v1.EchoService/Echo": {http.StatusNotFound, "1000", "namespace_unknown"},
	} {
		res, text := post(t, "http://"+a.Address+path, "{}", "Connect-Timeout-Ms", want.timeout)
		if res.StatusCode != want.status || res.Header.Get("Collective-Reason") != want.reason {
			t.Errorf("%s: %d for %q, want %d for %q: %s", path, res.StatusCode, res.Header.Get("Collective-Reason"), want.status, want.reason, text)
		}
		if detailed := strings.Contains(text, "CallFailure"); detailed != (want.reason == "namespace_unknown") {
			t.Errorf("%s: %s", path, text)
		}
	}
}

// The handler's own verdict is never taken for the mesh's.
func TestNative_HandlersKeepTheirDetails(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	own := connect.NewError(connect.CodeUnimplemented, "not here").WithDetail(&connect.ErrorDetail{Type: "google.protobuf.Empty"})
	if err := b.RegisterService("test", "S", "M", func(context.Context, any) (any, error) { return nil, own }); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", "/S/M")
	res, text := post(t, "http://"+a.Address+"/S/M", "{}")
	if res.StatusCode != http.StatusNotImplemented || res.Header.Get("Collective-Reason") != "" || !strings.Contains(text, "google.protobuf.Empty") {
		t.Errorf("%d %v: %s", res.StatusCode, res.Header, text)
	}
}

// An answer of gRPC-Web without a message is one block of headers, with a mesh or without.
func TestNative_GRPCWebStaysTrailersOnly(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	own := connect.NewError(connect.CodeAborted, "not now")
	for _, n := range []node{a, b} {
		if err := n.RegisterService("test", "S", "On"+n.ID(), func(context.Context, any) (any, error) { return nil, own }); err != nil {
			t.Fatal(err)
		}
	}
	join(t, a, b)
	a.knows(t, "test", "/S/Onb")
	for _, executor := range []string{"a", "b"} {
		res, body := post(t, "http://"+a.Address+"/S/On"+executor, "\x00\x00\x00\x00\x00", "Content-Type", "application/grpc-web+proto")
		if res.Header.Get("Grpc-Status") != "10" || body != "" || res.Header.Get("Collective-Executor") != executor {
			t.Errorf("by %s: %v %q", executor, res.Header, body)
		}
	}
}

// What is wrong with a request stream is told, not that the relay gave up for it.
func TestNative_UnreadableStreamsSayWhy(t *testing.T) {
	t.Parallel()
	const limit = 16 << 10
	a, _ := pair(t, dispatcher.WithLimits(dispatcher.Limits{RequestBytes: limit}))
	client := a.client(t)
	for range 200 {
		exerciseBigInStream(t, client, strings.Repeat("x", limit+1))
	}
}

// Headers that a handler sends off by themselves reach the client before there is a message: it may wait for them
// before it says what the handler waits for.
func TestNative_HeadersDoNotWaitForMessages(t *testing.T) {
	t.Parallel()
	passing := func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			stream, err := next(ctx, spec)
			return struct{ connect.ClientStream }{stream}, err
		}
	}
	a, b := serve(t, "a", []string{"test"}, dispatcher.WithClientInterceptors(passing)), serve(t, "b", []string{"test"})
	goOn := make(chan struct{})
	if err := b.RegisterDynamic("test", echoService(), func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		info, _ := connect.CallInfoForServerContext(ctx)
		info.ResponseHeader().Set("X-Early", "yes")
		if err := stream.SendHeaders(); err != nil {
			return err
		}
		<-goOn
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceConverseProcedure)
	for _, n := range []node{a, b} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+testingv1connect.EchoServiceConverseProcedure, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/connect+json")
		res, err := meshtest.HTTP2Client(t).Do(req) // returns with the headers
		if err != nil {
			t.Fatal(err)
		}
		if res.Header.Get("X-Early") != "yes" || res.Header.Get("Collective-Executor") != "b" {
			t.Errorf("at %s: %v", n.ID(), res.Header)
		}
		goOn <- struct{}{}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}
