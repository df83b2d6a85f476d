package dispatcher_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
)

// held is the test service with an Echo that waits until it is let go.
type held struct {
	meshtest.EchoService
	entered chan struct{}
	let     chan struct{}
}

func (h held) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	if req.GetText() != "hold" {
		return nil, errors.New("a call ran that there was no room for")
	}
	close(h.entered)
	select {
	case <-h.let:
		return h.EchoService.Echo(ctx, req)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A method that runs as many calls as it may refuses more, however they come: they did not run, and are told when to come again.
// Its streams and other methods go on.
func TestAdmission_Full(t *testing.T) {
	t.Parallel()
	b := serve(t, "b", []string{"test"}, dispatcher.WithLimits(dispatcher.Limits{MethodCalls: 1}))
	service := held{meshtest.EchoService("b"), make(chan struct{}), make(chan struct{})}
	must(t, b.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, service) }))
	a := serve(t, "a", []string{"test"})
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)

	ended := make(chan error, 1)
	go func() {
		_, err := a.client(t).Echo(t.Context(), &testingv1.EchoRequest{Text: "hold"})
		ended <- err
	}()
	<-service.entered
	large := strings.Repeat("large", 100_000)
	for name, client := range map[string]testingv1connect.EchoServiceClient{
		"Connect":           b.client(t),
		"gRPC":              b.client(t, connecthttp.WithGRPC()),
		"gRPC-Web":          b.client(t, connecthttp.WithGRPCWeb()),
		"over a link":       a.client(t),
		"gRPC, over a link": a.client(t, connecthttp.WithGRPC()),
		"transport of a":    a.mesh("test"),
		"transport of b":    b.mesh("test"),
	} {
		for _, text := range []string{"refused", large} {
			_, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: text})
			refusedAsFull(t, name, err)
		}
	}
	for name, n := range map[string]node{"Dispatch": b, "Dispatch, over a link": a} {
		answer, err := n.rpc(t).Dispatch(t.Context(), &collector.DispatchRequest{
			Namespace: "test", Service: &collector.ServiceTypeRef{ServiceName: "EchoService"}, MethodName: "Echo",
		})
		must(t, err)
		if got := answer.GetStatus(); got.GetCode() != http.StatusTooManyRequests || !strings.Contains(got.String(), string(mesh.ReasonOverloaded)) {
			t.Errorf("%s: the status is %v", name, got)
		}
	}
	streamsGoOn(t, a.client(t))
	close(service.let)
	must(t, <-ended)
}

func refusedAsFull(t *testing.T, name string, err error) {
	t.Helper()
	if connect.CodeOf(err) != connect.CodeResourceExhausted || mesh.ReasonOf(err) != mesh.ReasonOverloaded {
		t.Errorf("%s: the call ended with %v (%q)", name, err, mesh.ReasonOf(err))
		return
	}
	failed, _ := errors.AsType[*connect.Error](err)
	again := false
	for _, detail := range failed.Details() {
		again = again || detail.Type == "google.rpc.RetryInfo"
	}
	if !again || !strings.Contains(err.Error(), "it did not run: try again in a second") {
		t.Errorf("%s: %v does not say when to come again: %v", name, err, failed.Details())
	}
}

// streamsGoOn has more streams than calls may run.
func streamsGoOn(t *testing.T, client testingv1connect.EchoServiceClient) {
	t.Helper()
	for range 3 {
		stream, err := client.Converse(t.Context())
		must(t, err)
		must(t, stream.Send(&testingv1.ConverseRequest{Text: "x"}))
		if _, err := stream.Receive(); err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("a stream ended with %v", err)
		}
		t.Cleanup(func() { _ = stream.CloseSend() })
	}
}
