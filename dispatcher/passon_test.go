package dispatcher_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// asking is a service whose handlers answer with what another one of the mesh said to them.
type asking struct {
	meshtest.EchoService
	inner testingv1connect.EchoServiceClient
	pass  func(error) error
}

func (a asking) Fail(ctx context.Context, req *testingv1.FailRequest) (*testingv1.FailResponse, error) {
	res, err := a.inner.Fail(ctx, req)
	return res, a.pass(err)
}

func (a asking) Count(ctx context.Context, _ *testingv1.CountRequest, _ testingv1connect.EchoServiceCountServerStream) error {
	_, err := a.inner.Fail(ctx, notThere)
	return a.pass(err)
}

var notThere = &testingv1.FailRequest{Code: int32(connect.CodeNotFound), Message: "u-9 is not there", Detail: "more"}

// An error that a handler got from its own call is passed on if the handler says so, and named else.
func TestPassOn(t *testing.T) {
	t.Parallel()
	as := func(err error) error { return err }
	tests := map[string]struct {
		pass    func(error) error
		code    connect.Code
		details int
		text    []string
	}{
		"as it is":  {as, connect.CodeInternal, 0, []string{"collector.testing.v1.EchoService/", "the error of a call that it had made, which was not_found", "dispatcher.PassOn"}},
		"passed on": {dispatcher.PassOn, connect.CodeNotFound, 1, []string{"u-9 is not there"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespaces := []string{"inner", "outer"}
			a, b := serve(t, "a", namespaces), serve(t, "b", namespaces)
			b.hostEcho(t, "inner")
			must(t, a.Register("outer", func(s *connect.Server) {
				inner := testingv1connect.NewEchoServiceClient(connect.NewClient(a.Transport("inner")))
				testingv1connect.RegisterEchoServiceHandler(s, asking{"a", inner, tt.pass})
			}))
			join(t, a, b)
			a.knows(t, "inner", testingv1connect.EchoServiceFailProcedure)
			b.knows(t, "outer", testingv1connect.EchoServiceFailProcedure)
			for asked, err := range failures(t, a, b) {
				verdict, ok := errors.AsType[*connect.Error](err)
				if !ok || verdict.Code() != tt.code || len(verdict.Details()) != tt.details {
					t.Errorf("%s: %v, want %v with %d details", asked, err, tt.code, tt.details)
					continue
				}
				for _, want := range tt.text {
					if !strings.Contains(verdict.Message(), want) {
						t.Errorf("%s: %q does not say %q", asked, verdict.Message(), want)
					}
				}
				if tt.details == 0 && strings.Contains(verdict.Message(), "u-9") {
					t.Errorf("%s: %q has the text that was not passed on", asked, verdict.Message())
				}
			}
			for asked, text := range dispatched(t, a, b) {
				if !strings.Contains(text, tt.text[0]) {
					t.Errorf("Dispatch at %s: %q does not say %q", asked, text, tt.text[0])
				}
			}
		})
	}
}

// failures are what callers of a's handlers get, by where and how they ask.
func failures(t *testing.T, nodes ...node) map[string]error {
	t.Helper()
	got := make(map[string]error)
	for _, n := range nodes {
		transports := map[string]connect.Transport{
			"process": n.Transport("outer"),
			"connect": connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address+"/ns/outer"),
			"grpc":    connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address+"/ns/outer", connecthttp.WithGRPC()),
		}
		for how, transport := range transports {
			client := testingv1connect.NewEchoServiceClient(connect.NewClient(transport))
			_, got[n.ID()+", unary, "+how] = client.Fail(t.Context(), notThere)
			stream, err := client.Count(t.Context(), &testingv1.CountRequest{})
			if err == nil {
				_, err = stream.Receive()
				_ = stream.Close()
			}
			got[n.ID()+", stream, "+how] = err
		}
	}
	return got
}

// dispatched are the texts that callers of Dispatch get.
func dispatched(t *testing.T, nodes ...node) map[string]string {
	t.Helper()
	got := make(map[string]string)
	in, err := anypb.New(notThere)
	must(t, err)
	for _, n := range nodes {
		res, err := n.Dispatch(t.Context(), &collector.DispatchRequest{
			Namespace: "outer", Service: &collector.ServiceTypeRef{ServiceName: "EchoService"}, MethodName: "Fail", Input: in,
		})
		must(t, err)
		got[n.ID()] = res.GetStatus().GetMessage()
	}
	return got
}
