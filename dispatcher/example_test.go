package dispatcher_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

func Example() {
	d, err := dispatcher.New("collector-1", "127.0.0.1:50051", []string{"test"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Shutdown(context.Background())

	// A generated handler, as on any connect server.
	err = d.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, echo{"collector-1"}) })
	if err != nil {
		fmt.Println(err)
		return
	}

	// A generated client, as over any connect transport. It does not know where the method lives.
	client := testingv1connect.NewEchoServiceClient(connect.NewClient(d.Transport("test")))
	res, err := client.Echo(context.Background(), &testingv1.EchoRequest{Text: "hello"})
	fmt.Println(res.GetText(), err)
	// Output: hello on collector-1 <nil>
}

func ExampleDispatcher_Handler() {
	d, err := dispatcher.New("collector-1", "", []string{"test"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Shutdown(context.Background())
	_ = d.RegisterImplementation("test", testingv1.File_collector_testing_v1_testing_proto.Services().ByName("EchoService"), echo{"collector-1"})

	server := httptest.NewServer(d.Handler()) // d.Server makes one that has HTTP/2 and limits
	defer server.Close()
	res, err := server.Client().Post(server.URL+"/collector.testing.v1.EchoService/Fail", "application/json",
		strings.NewReader(`{"code": 5, "message": "no such thing"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	fmt.Println(res.Status, "by", res.Header.Get("Collective-Executor"))
	// Output: 404 Not Found by collector-1
}

func ExampleDispatcher_RegisterService() {
	d, err := dispatcher.NewDispatcher("collector-1", "localhost:50051", []string{"users", "orders"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Shutdown(context.Background())

	// Register a service handler
	d.RegisterService("users", "UserService", "GetUser",
		func(ctx context.Context, input interface{}) (interface{}, error) {
			userID := input.(string)
			return "User " + userID + " from collector-1", nil
		})

	// Execute via Serve
	input, _ := anypb.New(wrapperspb.String("42"))
	resp, _ := d.Serve(context.Background(), &collector.ServeRequest{
		Namespace:  "users",
		Service:    &collector.ServiceTypeRef{ServiceName: "UserService"},
		MethodName: "GetUser",
		Input:      input,
	})
	output := new(wrapperspb.StringValue)
	_ = resp.GetOutput().UnmarshalTo(output)
	fmt.Println(resp.GetStatus().GetCode(), output.GetValue(), "executed by", resp.GetExecutorId())
	// Output: 200 User 42 from collector-1 executed by collector-1
}

func ExampleHandle() {
	d, err := dispatcher.New("collector-1", "", []string{"test"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Shutdown(context.Background())
	methods := testingv1.File_collector_testing_v1_testing_proto.Services().ByName("EchoService").Methods()

	err = dispatcher.Handle(d, "test", methods.ByName("Echo"),
		func(_ context.Context, in *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
			return &testingv1.EchoResponse{Text: in.GetText() + "!"}, nil
		})
	fmt.Println(err)

	// A second handler for the method is refused, and so is one for another message.
	err = dispatcher.Handle(d, "test", methods.ByName("Look"),
		func(_ context.Context, in *testingv1.EchoRequest) (*testingv1.EchoResponse, error) { return nil, nil })
	fmt.Println(err)
	// Output:
	// <nil>
	// registration refused: namespace "test": collector.testing.v1.EchoService.Look takes collector.testing.v1.LookRequest, the function has collector.testing.v1.EchoRequest; collector.testing.v1.EchoService.Look returns collector.testing.v1.LookResponse, the function has collector.testing.v1.EchoResponse
}

func ExampleDispatcher_Transport() {
	ctx := context.Background()
	d, err := dispatcher.New("collector-1", "", []string{"test"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Shutdown(context.Background())
	_ = d.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, echo{"collector-1"}) })

	client := testingv1connect.NewEchoServiceClient(connect.NewClient(d.Transport("test")))
	ctx, _ = connect.NewClientContext(ctx) // only to learn the route afterwards
	stream, err := client.Count(ctx, &testingv1.CountRequest{Limit: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stream.Close()
	for {
		res, err := stream.Receive()
		if err != nil {
			break
		}
		fmt.Println(res.GetNumber())
	}
	route, _ := dispatcher.RouteInfoForContext(ctx)
	fmt.Println("ran on", route.Executor)
	// Output:
	// 1
	// 2
	// 3
	// ran on collector-1
}
