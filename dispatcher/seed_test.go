package dispatcher_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// seedCollector is a collector that speaks the seed's protocol and nothing more.
type seedCollector struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
	t *testing.T
}

func (s seedCollector) Connect(context.Context, *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return &collector.ConnectResponse{
		Status: &collector.Status{Code: 200}, ConnectionId: "conn-1", SharedNamespaces: []string{"test"}, TargetCollectorId: "seed",
	}, nil
}

func (s seedCollector) Serve(_ context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	if req.GetMethodName() != "Greet" {
		return &collector.ServeResponse{Status: &collector.Status{Code: 404, Message: "method not found"}}, nil
	}
	name := new(wrapperspb.StringValue)
	if err := req.GetInput().UnmarshalTo(name); err != nil {
		return nil, err
	}
	return &collector.ServeResponse{
		Status: &collector.Status{Code: 200}, Output: pack(s.t, wrapperspb.String("hello "+name.GetValue()+" from the seed")), ExecutorId: "seed",
	}, nil
}

func serveSeed(t *testing.T) (address string) {
	t.Helper()
	services := connect.NewServer()
	collectorconnect.RegisterCollectiveDispatcherHandler(services, seedCollector{t: t})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, services)
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// A collector that was built from the seed is reached by Dispatch and by untyped native calls.
func TestDispatch_SeedPeer(t *testing.T) {
	t.Parallel()
	address := serveSeed(t)
	a := serve(t, "a", []string{"test"})
	if err := meshtest.Connect(t.Context(), a.Dispatcher, address); err != nil {
		t.Fatal(err)
	}
	got := dispatchString(t, a.rpc(t), "test", "Greeter", "Greet", "")
	if got.GetStatus().GetCode() != 200 || got.GetHandledByCollectorId() != "seed" || !strings.Contains(string(got.GetOutput().GetValue()), "hello bob from the seed") {
		t.Errorf("%v", got)
	}
	missing := dispatchString(t, a.rpc(t), "test", "Greeter", "Vanish", "")
	if missing.GetStatus().GetCode() != 404 || missing.GetHandledByCollectorId() != "seed" || missing.GetStatus().GetMessage() != "method not found" {
		t.Errorf("%v", missing)
	}
	in, out := pack(t, wrapperspb.String("ann")), pack(t, wrapperspb.String(""))
	if err := connect.NewClient(a.Transport("test")).CallUnary(t.Context(), connect.Spec{Procedure: "/Greeter/Greet"}, in, out); err != nil || !strings.Contains(string(out.GetValue()), "hello ann") {
		t.Errorf("in process: %v, %v", out, err)
	}
	if _, err := a.mesh("test").Count(t.Context(), &testingv1.CountRequest{}); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("a stream to a seed peer: %v", err)
	}
}
