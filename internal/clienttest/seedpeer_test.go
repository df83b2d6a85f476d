package clienttest_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/internal/clienttest/gen/collector"
)

// seedPeer is a collector as the seed's README describes it, on grpc-go and stubs of the contract: it answers Connect with
// the namespaces that both have, runs what it has at Serve, and at Dispatch else asks the collectors it has connected to.
type seedPeer struct {
	collector.UnimplementedCollectiveDispatcherServer
	id         string // empty: it does not say
	namespaces []string

	mu    sync.Mutex
	peers []collector.CollectiveDispatcherClient
}

// serve listens at an address, empty for any.
func (s *seedPeer) serve(t *testing.T, address string) (at string, stop func()) {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collector.RegisterCollectiveDispatcherServer(server, s)
	go server.Serve(listener) //nolint:errcheck // it ends with Stop
	t.Cleanup(server.Stop)
	return listener.Addr().String(), server.Stop
}

func (s *seedPeer) Connect(_ context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	var shared []string
	for _, namespace := range req.GetNamespaces() {
		if slices.Contains(s.namespaces, namespace) {
			shared = append(shared, namespace)
		}
	}
	return &collector.ConnectResponse{
		Status:       &collector.Status{Code: 200, Message: fmt.Sprintf("Connected with %d shared namespaces", len(shared))},
		ConnectionId: "conn_" + req.GetAddress(), SharedNamespaces: shared, TargetCollectorId: s.id,
	}, nil
}

func (s *seedPeer) Serve(_ context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	switch req.GetService().GetServiceName() + "." + req.GetMethodName() {
	case "SeedService.Echo":
		return &collector.ServeResponse{Status: &collector.Status{Code: 200, Message: "OK"}, Output: req.GetInput(), ExecutorId: s.id}, nil
	case "SeedService.Fail":
		return &collector.ServeResponse{Status: &collector.Status{Code: 500, Message: "handler error: no luck"}, ExecutorId: s.id}, nil
	}
	return &collector.ServeResponse{Status: &collector.Status{Code: 404, Message: "service not registered"}}, nil
}

func (s *seedPeer) Dispatch(ctx context.Context, req *collector.DispatchRequest) (*collector.DispatchResponse, error) {
	ask := &collector.ServeRequest{Namespace: req.GetNamespace(), Service: req.GetService(), MethodName: req.GetMethodName(), Input: req.GetInput()}
	res, err := s.Serve(ctx, ask)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; err == nil && res.GetStatus().GetCode() == 404 && i < len(s.peers); i++ {
		res, err = s.peers[i].Serve(ctx, ask)
	}
	return &collector.DispatchResponse{Status: res.GetStatus(), Output: res.GetOutput(), HandledByCollectorId: res.GetExecutorId()}, err
}

// connectTo introduces the peer to a collector as the seed does.
func (s *seedPeer) connectTo(ctx context.Context, t *testing.T, address, own string) *collector.ConnectResponse {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client := collector.NewCollectiveDispatcherClient(conn)
	req := &collector.ConnectRequest{Address: own, Namespaces: s.namespaces}
	if s.id != "" {
		req.Metadata = map[string]string{"collector_id": s.id}
	}
	res, err := client.Connect(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers = append(s.peers, client)
	return res
}

func askFor(namespace, service, method, target string, input *anypb.Any) *collector.DispatchRequest {
	return &collector.DispatchRequest{
		Namespace: namespace, Service: &collector.ServiceTypeRef{ServiceName: service}, MethodName: method,
		TargetCollectorId: target, Input: input,
	}
}
