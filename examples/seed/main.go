// Command seed is the "Complete Example" of the seed's README: two collectors, one untyped handler each, one connection,
// and a gRPC client that asks collector-1 for both.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	// Setup Collector 1
	collector1, err := start("collector-1", []string{"users", "orders"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, collector1.stop()) }()
	err = collector1.RegisterService("users", "UserService", "GetUser",
		func(ctx context.Context, input interface{}) (interface{}, error) {
			return "User from collector-1", nil
		})
	if err != nil {
		return err
	}

	// Setup Collector 2
	collector2, err := start("collector-2", []string{"orders", "inventory"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, collector2.stop()) }()
	err = collector2.RegisterService("orders", "OrderService", "CreateOrder",
		func(ctx context.Context, input interface{}) (interface{}, error) {
			return "Order created on collector-2", nil
		})
	if err != nil {
		return err
	}

	// Collector 1 connects to Collector 2
	connected, err := collector1.ConnectTo(ctx, collector2.address, []string{"users", "orders"})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "shared namespaces:", connected.GetSharedNamespaces())

	return ask(ctx, out, collector1.address)
}

// ask is a gRPC client that makes both requests to Collector 1.
func ask(ctx context.Context, out io.Writer, address string) error {
	httpClient := newHTTPClient()
	defer httpClient.CloseIdleConnections()
	transport := connecthttp.NewTransport(httpClient, "http://"+address, connecthttp.WithGRPC())
	client := collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(transport))
	if err := dispatch(ctx, out, client, "users", "UserService", "GetUser"); err != nil { // executes on Collector 1
		return err
	}
	return dispatch(ctx, out, client, "orders", "OrderService", "CreateOrder") // routes to Collector 2
}

// dispatch makes one call and prints what came back and who handled it.
func dispatch(
	ctx context.Context, out io.Writer, client collectorconnect.CollectiveDispatcherClient, namespace, service, method string,
) error {
	input, err := anypb.New(wrapperspb.String("42")) // the handler receives the Go string "42"
	if err != nil {
		return err
	}
	res, err := client.Dispatch(ctx, &collector.DispatchRequest{
		Namespace:  namespace,
		Service:    &collector.ServiceTypeRef{ServiceName: service},
		MethodName: method,
		Input:      input,
	})
	if err != nil {
		return err
	}
	var output wrapperspb.StringValue // a Go string leaves as the wrapper it came in
	if err := res.GetOutput().UnmarshalTo(&output); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d %q, handled by %s, route %v\n",
		res.GetStatus().GetCode(), output.GetValue(), res.GetHandledByCollectorId(), res.GetRoute())
	return nil
}

// node is a collector with the server it listens by.
type node struct {
	*dispatcher.Dispatcher
	address string
	server  *http.Server
	served  chan error
}

func start(id string, namespaces []string) (*node, error) {
	listener, err := net.Listen("tcp", "localhost:0") // the seed has fixed ports; free ones let tests run side by side
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	d, err := dispatcher.NewDispatcher(id, address, namespaces)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	n := &node{Dispatcher: d, address: address, server: d.Server(d.Handler(), nil), served: make(chan error, 1)}
	go func() { n.served <- n.server.Serve(d.Listener(listener)) }()
	return n, nil
}

// stop says goodbye to the other collector and ends the server.
func (n *node) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := errors.Join(n.Shutdown(ctx), n.server.Shutdown(ctx))
	<-n.served
	return err
}

// newHTTPClient speaks HTTP/2 without TLS, as a gRPC client with insecure credentials does.
func newHTTPClient() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}
