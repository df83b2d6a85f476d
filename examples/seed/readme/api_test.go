package readme_test

import (
	"context"
	"testing"
	"time"

	dispatch "github.com/collectiverpc/collective/dispatcher"
	pb "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/store"
)

// The exported names of the seed's API with its arguments: that this file compiles is the test. A comment says what
// differs.
var (
	_ func(collectorID, address string, namespaces []string, sessionID string, coll *store.Store) (*dispatch.ConnectionManager, error) = dispatch.NewConnectionManager // an error more, another type of store

	_ func(*dispatch.ConnectionManager)                                                                              = (*dispatch.ConnectionManager).CloseAll
	_ func(*dispatch.ConnectionManager, context.Context, string, []string) (*pb.ConnectResponse, error)              = (*dispatch.ConnectionManager).ConnectTo
	_ func(_ *dispatch.ConnectionManager, _ context.Context, connectionID string, reason string, failed bool) error  = (*dispatch.ConnectionManager).Disconnect
	_ func(*dispatch.ConnectionManager, string) (*dispatch.ActiveConnection, bool)                                   = (*dispatch.ConnectionManager).GetActiveConnection
	_ func(*dispatch.ConnectionManager, string) (collectorconnect.CollectiveDispatcherClient, bool)                  = (*dispatch.ConnectionManager).GetClient // a client of connect
	_ func(*dispatch.ConnectionManager, context.Context, *pb.ConnectRequest) (*pb.ConnectResponse, error)            = (*dispatch.ConnectionManager).HandleConnect
	_ func(*dispatch.ConnectionManager) []*dispatch.ActiveConnection                                                 = (*dispatch.ConnectionManager).ListActiveConnections
	_ func(*dispatch.ConnectionManager) []*pb.Connection                                                             = (*dispatch.ConnectionManager).ListConnections
	_ func(_ *dispatch.ConnectionManager, _ context.Context, connectionID string, bytesSent, bytesReceived int64)    = (*dispatch.ConnectionManager).RecordRequest
	_ func(*dispatch.ConnectionManager, context.Context) error                                                       = (*dispatch.ConnectionManager).RecoverFromRestart
	_ func(collectorID, address string, namespaces []string) (*dispatch.Dispatcher, error)                           = dispatch.NewDispatcher // an error more
	_ func(string, string, []string, dispatch.RegistryValidator, *store.Store) (*dispatch.Dispatcher, error)         = dispatch.NewDispatcherWithRegistry
	_ func(*dispatch.Dispatcher, context.Context, *pb.ConnectRequest) (*pb.ConnectResponse, error)                   = (*dispatch.Dispatcher).Connect
	_ func(*dispatch.Dispatcher, context.Context, string, []string) (*pb.ConnectResponse, error)                     = (*dispatch.Dispatcher).ConnectTo
	_ func(*dispatch.Dispatcher, context.Context, *pb.DispatchRequest) (*pb.DispatchResponse, error)                 = (*dispatch.Dispatcher).Dispatch
	_ func(*dispatch.Dispatcher) *dispatch.ConnectionManager                                                         = (*dispatch.Dispatcher).GetConnectionManager
	_ func(_ *dispatch.Dispatcher, namespace, serviceName, methodName string, handler dispatch.ServiceHandler) error = (*dispatch.Dispatcher).RegisterService // an error more
	_ func(*dispatch.Dispatcher, context.Context, *pb.ServeRequest) (*pb.ServeResponse, error)                       = (*dispatch.Dispatcher).Serve
	_ func(*dispatch.Dispatcher, dispatch.RegistryValidator) error                                                   = (*dispatch.Dispatcher).SetRegistryValidator // an error more
	_ func(*dispatch.Dispatcher, context.Context) error                                                              = (*dispatch.Dispatcher).Shutdown             // a context and an error more
	_ dispatch.RegistryValidator                                                                                     = interface {
		ValidateServiceMethod(ctx context.Context, namespace, serviceName, methodName string) error
	}(nil)
	_ dispatch.ServiceHandler = func(ctx context.Context, input interface{}) (interface{}, error) { return nil, nil }
)

// The fields of ActiveConnection but GrpcConn.
var _ = func(c dispatch.ActiveConnection) (string, collectorconnect.CollectiveDispatcherClient, time.Time, bool, *pb.Connection) {
	return c.ConnectionID, c.Client, c.LastActivity, c.IsInitiator, c.Connection
}

// A manager alone, under the seed's name, can be asked, closed, and used again.
func TestConnectionManagerAlone(t *testing.T) {
	t.Parallel()
	cm, err := dispatch.NewConnectionManager("collector-001", "localhost:50051", []string{"users"}, "session-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cm.CloseAll()
	for range 2 {
		resp, err := cm.HandleConnect(t.Context(), &pb.ConnectRequest{Address: "localhost:50052", Namespaces: []string{"users", "orders"}})
		if err != nil || resp.GetStatus().GetCode() != 200 || len(resp.GetSharedNamespaces()) != 1 || len(cm.ListActiveConnections()) != 1 {
			t.Fatal(resp, err)
		}
		cm.CloseAll()
		if len(cm.ListActiveConnections()) != 0 {
			t.Error("CloseAll left connections")
		}
	}
}
