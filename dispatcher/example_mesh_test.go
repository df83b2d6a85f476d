package dispatcher_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
	"github.com/collectiverpc/collective/store"
)

// silent keeps the log of a collector out of the output of an example.
var silent = dispatcher.WithLogger(slog.New(slog.DiscardHandler))

// runExample runs a collector that hosts the test service, until stop.
func runExample(id string, opts ...dispatcher.Option) (address string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = listener.Addr().String()
	d, err := dispatcher.New(id, address, []string{"test"}, append(opts, silent)...)
	if err != nil {
		return "", nil, err
	}
	err = d.Register("test", func(s *connect.Server) {
		testingv1connect.RegisterEchoServiceHandler(s, echo{meshtest.EchoService(id)})
	})
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.ServeListener(ctx, listener, dispatcher.Serving{}) }()
	return address, func() error { cancel(); return <-ended }, nil
}

// A collector serves until its context is done, as by signal.NotifyContext, and then stops in order. ListenAndServe is the
// same for a program that has an address to listen at, and nothing to do when it listens.
func ExampleDispatcher_ServeListener() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := dispatcher.New("collector-1", listener.Addr().String(), []string{"test"}, silent)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = d.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, echo{"collector-1"}) })
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	err = d.ServeListener(ctx, listener, dispatcher.Serving{Ready: func() {
		defer stop()
		// Any Connect, gRPC or gRPC-Web client calls it; the answer says who ran the call.
		client := connect.NewClient(connecthttp.NewTransport(http.DefaultClient, "http://"+listener.Addr().String()))
		ctx, info := connect.NewClientContext(context.Background())
		res, err := testingv1connect.NewEchoServiceClient(client).Echo(ctx, &testingv1.EchoRequest{Text: "hello"})
		fmt.Println(res.GetText(), err)
		fmt.Println("ran on", info.ResponseHeader().Get(mesh.HeaderExecutor))
	}})
	fmt.Println("stopped:", err)
	// Output:
	// hello on collector-1 <nil>
	// ran on collector-1
	// stopped: <nil>
}

// A process that only calls dials any collector of the mesh.
func ExampleDial() {
	ctx := context.Background()
	address, stop, err := runExample("collector-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := dispatcher.Dial(ctx, address, []string{"test"}, silent)
	if err != nil {
		fmt.Println(err)
		return
	}
	users := testingv1connect.NewEchoServiceClient(connect.NewClient(client.Transport("test")))
	res, err := users.Echo(ctx, &testingv1.EchoRequest{Text: "hello"})
	fmt.Println(res.GetText(), err)
	fmt.Println(client.Close(), stop())
	// Output:
	// hello on collector-1 <nil>
	// <nil> <nil>
}

// Two collectors are one mesh as soon as one has connected to the other: calls cross both ways.
func ExampleDispatcher_ConnectTo() {
	ctx := context.Background()
	address, stop, err := runExample("collector-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := dispatcher.New("collector-2", "", []string{"test", "more"}, silent)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := d.ConnectTo(ctx, address, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.GetTargetCollectorId(), "shares", res.GetSharedNamespaces())
	client := testingv1connect.NewEchoServiceClient(connect.NewClient(d.Transport("test")))
	answer, err := client.Echo(ctx, &testingv1.EchoRequest{Text: "hello"})
	fmt.Println(answer.GetText(), err)
	fmt.Println(d.Shutdown(ctx), stop())
	// Output:
	// collector-1 shares [test]
	// hello on collector-1 <nil>
	// <nil> <nil>
}

// With a store, a collector knows after a restart, or a crash, whom it had connected to. ListenAndServe dials them again.
func ExampleWithStore() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	address, stop, err := runExample("collector-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop() //nolint:errcheck // the example has ended
	run := func(do func(*dispatcher.Dispatcher)) {
		file, err := store.Open(filepath.Join(dir, "collector-2.db"))
		if err != nil {
			fmt.Println(err)
			return
		}
		defer file.Close()
		d, err := dispatcher.New("collector-2", "", []string{"test"}, dispatcher.WithStore(file), silent)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer d.Shutdown(ctx) // before the file is closed
		do(d)
	}
	run(func(d *dispatcher.Dispatcher) {
		_, err := d.ConnectTo(ctx, address, nil)
		fmt.Println("first run:", err)
	})
	run(func(d *dispatcher.Dispatcher) {
		for _, known := range d.Connections().ListConnections() {
			fmt.Println("second run knows", known.GetTargetCollectorId())
		}
	})
	// Output:
	// first run: <nil>
	// second run knows collector-1
}

// A handler that needs another method answers with that method's error only if it says so.
func ExamplePassOn() {
	ctx := context.Background()
	d, err := dispatcher.New("collector-1", "", []string{"inner", "outer"}, silent)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Shutdown(ctx)
	methods := testingv1.File_collector_testing_v1_testing_proto.Services().ByName("EchoService").Methods()
	inner := testingv1connect.NewEchoServiceClient(connect.NewClient(d.Transport("inner")))
	_ = dispatcher.Handle(d, "inner", methods.ByName("Echo"),
		func(context.Context, *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
			return nil, connect.NewError(connect.CodeNotFound, "no such user")
		})
	_ = dispatcher.Handle(d, "outer", methods.ByName("Echo"),
		func(ctx context.Context, in *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
			res, err := inner.Echo(ctx, in)
			return res, dispatcher.PassOn(err)
		})

	outer := testingv1connect.NewEchoServiceClient(connect.NewClient(d.Transport("outer")))
	_, err = outer.Echo(ctx, &testingv1.EchoRequest{})
	fmt.Println(err)
	// Output: not_found: no such user
}
