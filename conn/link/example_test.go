package link_test

import (
	"context"
	"fmt"
	"net"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// greeter is a service as any other.
type greeter struct {
	testingv1connect.UnimplementedEchoServiceHandler
	name string
}

func (g greeter) Echo(_ context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	return &testingv1.EchoResponse{Text: fmt.Sprintf("%s from %s", req.GetText(), g.name)}, nil
}

// configOf is what an end with a greeter brings.
func configOf(name string) link.Config {
	server := connect.NewServer()
	testingv1connect.RegisterEchoServiceHandler(server, greeter{name: name})
	return link.Config{
		Hello:   link.Hello{CollectorID: name, SessionID: "1"},
		Handler: server.Call,
	}
}

// Two ends are linked over any duplex stream, here one in memory. Either may call the other.
func Example() {
	ctx := context.Background()
	dialled, accepted := net.Pipe()
	ends := make(chan *link.Link, 1)
	go func() {
		l, err := link.Server(ctx, accepted, configOf("west"))
		if err != nil {
			fmt.Println(err)
		}
		ends <- l
	}()
	east, err := link.Client(ctx, dialled, configOf("east"))
	if err != nil {
		fmt.Println(err)
		return
	}
	west := <-ends

	for _, l := range []*link.Link{east, west} {
		client := testingv1connect.NewEchoServiceClient(connect.NewClient(l.Transport("greetings")))
		res, err := client.Echo(ctx, &testingv1.EchoRequest{Text: "hello"})
		fmt.Println(res.GetText(), err)
	}

	if err := east.Drain(ctx); err != nil {
		fmt.Println(err)
	}
	<-west.Done()
	fmt.Println(west.Err())

	// Output:
	// hello from west <nil>
	// hello from east <nil>
	// link: drained
}
