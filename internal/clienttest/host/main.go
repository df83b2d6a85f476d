// Command host runs two collectors in one process: `a`, which hosts nothing, and `b`, which hosts the test service typed
// and an untyped greeter; a is linked to b. It prints the addresses of a and of b on one line when a knows what b
// serves, and runs until its standard input ends. With an argument it runs a alone, with a registry in that file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/internal/sqlite"
	"github.com/collectiverpc/collective/registry"
)

var namespaces = []string{"test"}

func main() {
	serveAll := run
	if len(os.Args) > 1 {
		serveAll = func(ctx context.Context) error { return runKept(ctx, os.Args[1]) }
	}
	if err := serveAll(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "host:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	a, err := meshtest.Start("a", namespaces, nil)
	if err != nil {
		return err
	}
	b, err := meshtest.Start("b", namespaces, nil)
	if err != nil {
		return err
	}
	if err := host(b.Dispatcher); err != nil {
		return err
	}
	if err := meshtest.Join(ctx, a.Dispatcher, b.Address, "test", "/Greeter/Greet"); err != nil {
		return err
	}
	fmt.Println(a.Address, b.Address)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// runKept runs a collector whose registry is in a database.
func runKept(ctx context.Context, path string) error {
	db, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	defer db.Close()
	schemas, err := registry.New(ctx, registry.WithDB(db))
	if err != nil {
		return err
	}
	a, err := meshtest.Start("a", namespaces, nil, dispatcher.WithRegistry(schemas))
	if err != nil {
		return err
	}
	fmt.Println(a.Address)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func host(d *dispatcher.Dispatcher) error {
	return errors.Join(
		d.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, echo{}) }),
		d.RegisterService("test", "Greeter", "Greet", func(_ context.Context, input any) (any, error) {
			return fmt.Sprintf("hello %v from b", input), nil
		}),
	)
}

// echo implements the test service.
type echo struct {
	testingv1connect.UnimplementedEchoServiceHandler
}

func (echo) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		info.ResponseHeader().Set("X-Echo-Header", info.RequestHeader().Get("X-Echo"))
		info.ResponseTrailer().Set("X-Echo-Trailer", info.RequestHeader().Get("X-Echo"))
	}
	return &testingv1.EchoResponse{Text: req.GetText() + " on b"}, nil
}

func (echo) Fail(_ context.Context, req *testingv1.FailRequest) (*testingv1.FailResponse, error) {
	detail, err := connectproto.NewErrorDetail(&testingv1.FailRequest{Detail: req.GetDetail()})
	if err != nil {
		return nil, err
	}
	return nil, connect.NewError(connect.Code(req.GetCode()), req.GetMessage()).WithDetail(detail)
}

func (echo) Collect(_ context.Context, stream testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error) {
	sum := int64(0)
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return &testingv1.CollectResponse{Sum: sum}, nil
		}
		if err != nil {
			return nil, err
		}
		sum += req.GetNumber()
	}
}

func (echo) Count(_ context.Context, req *testingv1.CountRequest, stream testingv1connect.EchoServiceCountServerStream) error {
	for n := range req.GetLimit() {
		if err := stream.Send(&testingv1.CountResponse{Number: n + 1}); err != nil {
			return err
		}
	}
	return nil
}

func (echo) Converse(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&testingv1.ConverseResponse{Text: req.GetText() + " on b"}); err != nil {
			return err
		}
	}
}
