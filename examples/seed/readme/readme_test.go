package readme_test

import (
	"context"
	"errors"
	"io"
	log "log/slog"
	"net"
	"net/http"
	"slices"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	dispatch "github.com/collectiverpc/collective/dispatcher"
	pb "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/registry"
)

func TestMain(m *testing.M) {
	log.SetDefault(log.New(log.NewTextHandler(io.Discard, nil)))
	goleak.VerifyTestMain(m)
}

// start is what the README does with grpc.NewServer: a collector at a port. NewDispatcher is in it, as the address has to
// be known before, and its error is looked at.
func start(t *testing.T, id string, namespaces []string, validator dispatch.RegistryValidator) (dispatcher *dispatch.Dispatcher, address string) {
	t.Helper()
	lis, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	address = lis.Addr().String()
	if validator == nil {
		dispatcher, err = dispatch.NewDispatcher(id, address, namespaces)
	} else {
		dispatcher, err = dispatch.NewDispatcherWithRegistry(id, address, namespaces, validator, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := dispatcher.Server(dispatcher.Handler(), nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(dispatcher.Listener(lis)) }()
	t.Cleanup(func() {
		_ = dispatcher.Shutdown(context.Background())
		_ = server.Close()
		<-served
	})
	return dispatcher, address
}

// dial is what the README does with grpc.NewClient.
func dial(t *testing.T, address string) collectorconnect.CollectiveDispatcherClient {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	conn := connect.NewClient(connecthttp.NewTransport(&http.Client{Transport: transport}, "http://"+address, connecthttp.WithGRPC()))
	return collectorconnect.NewCollectiveDispatcherClient(conn)
}

func anyOf(t *testing.T, message proto.Message) *anypb.Any {
	t.Helper()
	packed, err := anypb.New(message)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func getUserFromDB(userID string) (interface{}, error) {
	if userID != "42" {
		return nil, errors.New("user not found")
	}
	return map[string]interface{}{"id": userID}, nil
}

// "Connect - Establish Connection", "Establishing Connections", "Shared Namespaces".
func TestConnect(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dispatcherA, _ := start(t, "collector-a", []string{"users", "orders"}, nil)
	_, addressB := start(t, "collector-b", []string{"orders", "products"}, nil)

	// Collector A connects to Collector B
	resp, err := dispatcherA.ConnectTo(ctx, addressB, []string{"users", "orders"})
	// If Collector B supports ["orders", "products"], shared_namespaces = ["orders"]

	if err != nil || resp.Status.Code != 200 || resp.Status.Message != "OK" || !slices.Equal(resp.SharedNamespaces, []string{"orders"}) ||
		resp.TargetCollectorId != "collector-b" || resp.ConnectionId == "" {
		t.Errorf("%v, %v", resp, err)
	}
}

// "Serve - Execute Local Service Methods".
func TestServe(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dispatcher, address := start(t, "collector-001", []string{"users", "orders"}, nil)
	client := dial(t, address)

	// Register a service handler
	dispatcher.RegisterService("users", "UserService", "GetUser",
		func(ctx context.Context, input interface{}) (interface{}, error) {
			userID := input.(string)
			return getUserFromDB(userID)
		})

	// Execute via Serve
	anyPb := anyOf(t, wrapperspb.String("42"))
	resp, err := client.Serve(ctx, &pb.ServeRequest{
		Namespace:  "users",
		Service:    &pb.ServiceTypeRef{ServiceName: "UserService"},
		MethodName: "GetUser",
		Input:      anyPb,
	})

	if err != nil || resp.Status.Code != 200 || resp.Status.Message != "OK" || resp.ExecutorId != "collector-001" {
		t.Errorf("%v, %v", resp, err)
	}
	resp, err = client.Serve(ctx, &pb.ServeRequest{
		Namespace: "users", Service: &pb.ServiceTypeRef{ServiceName: "UserService"}, MethodName: "GetUser", Input: anyOf(t, wrapperspb.String("7")),
	})
	if err != nil || resp.Status.Code != 500 || resp.Status.Message != "user not found" {
		t.Errorf("an error of the handler: %v, %v", resp, err)
	}
}

// "Target-Specific Routing", "Auto-Routing", and GetClient, with which the seed forwards.
func TestDispatch(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dispatcher1, address1 := start(t, "collector-east-1", []string{"orders"}, nil)
	dispatcher2, address2 := start(t, "collector-west-2", []string{"orders"}, nil)
	createOrder := func(ctx context.Context, input interface{}) (interface{}, error) { return "created", nil }
	dispatcher2.RegisterService("orders", "OrderService", "CreateOrder", createOrder)
	if _, err := dispatcher1.ConnectTo(ctx, address2, []string{"orders"}); err != nil {
		t.Fatal(err)
	}
	client, orderData := dial(t, address1), anyOf(t, wrapperspb.String("order"))

	resp, err := client.Dispatch(ctx, &pb.DispatchRequest{
		Namespace:         "orders",
		Service:           &pb.ServiceTypeRef{ServiceName: "OrderService"},
		MethodName:        "CreateOrder",
		Input:             orderData,
		TargetCollectorId: "collector-west-2",
	})
	if err != nil || resp.HandledByCollectorId != "collector-west-2" {
		t.Errorf("with a target: %v, %v", resp, err)
	}

	// No target specified - dispatcher auto-routes
	resp, err = client.Dispatch(ctx, &pb.DispatchRequest{
		Namespace:  "orders",
		Service:    &pb.ServiceTypeRef{ServiceName: "OrderService"},
		MethodName: "CreateOrder",
		Input:      orderData,
	})
	// Returns handled_by_collector_id indicating which collector executed it
	if err != nil || resp.HandledByCollectorId != "collector-west-2" {
		t.Errorf("without a target: %v, %v", resp, err)
	}

	peer, ok := dispatcher1.GetConnectionManager().GetClient(address2)
	if !ok {
		t.Fatal("no client")
	}
	resp, err = peer.Dispatch(ctx, &pb.DispatchRequest{
		Namespace: "orders", Service: &pb.ServiceTypeRef{ServiceName: "OrderService"}, MethodName: "CreateOrder", Input: orderData,
	})
	if err != nil || resp.HandledByCollectorId != "collector-west-2" {
		t.Errorf("by GetClient: %v, %v", resp, err)
	}
}

// "Service Registration".
func TestServiceRegistration(t *testing.T) {
	t.Parallel()
	var result interface{} = "result"
	getUserHandler := func(ctx context.Context, input interface{}) (interface{}, error) { return result, nil }
	createUserHandler, loginHandler := getUserHandler, getUserHandler

	// Create dispatcher
	dispatcher, err := dispatch.NewDispatcher(
		"collector-001",
		"localhost:50051",
		[]string{"users", "orders"},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer dispatcher.Shutdown(t.Context())

	// Register a service handler
	dispatcher.RegisterService("users", "UserService", "GetUser", getUserHandler)
	dispatcher.RegisterService("users", "UserService", "CreateUser", createUserHandler)
	dispatcher.RegisterService("users", "AuthService", "Login", loginHandler)

	for service, method := range map[string]string{"UserService": "CreateUser", "AuthService": "Login"} {
		resp, err := dispatcher.Serve(t.Context(), &pb.ServeRequest{Namespace: "users", Service: &pb.ServiceTypeRef{ServiceName: service}, MethodName: method})
		if err != nil || resp.Status.Code != 200 {
			t.Errorf("%s: %v, %v", method, resp, err)
		}
	}
}

// registered is a custom RegistryValidator, as "Key Interfaces" suggests.
type registered string

func (r registered) ValidateServiceMethod(ctx context.Context, namespace, serviceName, methodName string) error {
	if methodName != string(r) {
		return errors.New("service not registered")
	}
	return nil
}

// "Registry Integration", with the registry of another collector and with a validator of one's own.
func TestRegistryIntegration(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	schemas, err := registry.New(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, registryAddress := start(t, "registry", nil, schemas)
	grpcValidator := registryClient(t, registryAddress)

	// Create validator from registry
	validator := registry.NewGRPCRegistryValidator(grpcValidator)

	// Create dispatcher with validation
	dispatcher, err := dispatch.NewDispatcherWithRegistry(
		"collector-001",
		"localhost:50051",
		[]string{"production"},
		validator,
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	defer dispatcher.Shutdown(ctx)
	dispatcher.RegisterService("production", "UserService", "GetUser", func(ctx context.Context, input interface{}) (interface{}, error) { return nil, nil })

	ask := &pb.ServeRequest{Namespace: "production", Service: &pb.ServiceTypeRef{ServiceName: "UserService"}, MethodName: "GetUser"}
	if resp, _ := dispatcher.Serve(ctx, ask); resp.Status.Code != 404 {
		t.Errorf("not registered there: %v", resp)
	}
	dispatcher.SetRegistryValidator(registered("GetUser"))
	if resp, _ := dispatcher.Serve(ctx, ask); resp.Status.Code != 200 {
		t.Errorf("registered: %v", resp)
	}
	dispatcher.SetRegistryValidator(registered("PutUser"))
	if resp, _ := dispatcher.Serve(ctx, ask); resp.Status.Code != 404 {
		t.Errorf("not registered: %v", resp)
	}
	dispatcher.SetRegistryValidator(nil)
	if resp, _ := dispatcher.Serve(ctx, ask); resp.Status.Code != 200 {
		t.Errorf("no validator: %v", resp)
	}
}

func registryClient(t *testing.T, address string) collectorconnect.CollectorRegistryClient {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return collectorconnect.NewCollectorRegistryClient(connect.NewClient(connecthttp.NewTransport(&http.Client{Transport: transport}, "http://"+address)))
}

// "Recovery from Restart".
func TestRecovery(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dispatcher, _ := start(t, "collector-001", []string{"users"}, nil)

	// In main startup:
	if err := dispatcher.GetConnectionManager().RecoverFromRestart(ctx); err != nil {
		log.Warn("Failed to recover connections", "error", err)
		t.Error(err)
	}
}
