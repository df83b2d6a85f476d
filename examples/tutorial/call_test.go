package tutorial_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// Ask a collector for a method that only another one has.
func Example_call() {
	a, b := startPair()
	defer b.stop()
	defer a.stop()

	users := shopv1connect.NewUserServiceClient(connect.NewClient(a.Transport("users")))
	ctx, _ := connect.NewClientContext(context.Background())
	res, err := users.GetUser(ctx, &shopv1.GetUserRequest{Id: "u-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	route, _ := dispatcher.RouteInfoForContext(ctx)
	fmt.Printf("%s, from %s by way of %s\n", res.GetUser().GetName(), route.Executor, strings.Join(route.Route, " → "))
	// Output: Ada Lovelace, from b by way of a → b
}

// Any HTTP client will do, and any collector: a does not have the method, and the client does not know that.
func Example_http() {
	a, b := startPair()
	defer b.stop()
	defer a.stop()

	url := "http://" + a.address + "/shop.v1.UserService/GetUser"
	res, err := http.Post(url, "application/json", strings.NewReader(`{"id": "u-1"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	fmt.Println(res.Status, strings.Contains(string(body), "Ada Lovelace"))
	fmt.Println("executor", res.Header.Get("Collective-Executor"), "route", res.Header.Get("Collective-Route"))
	// Output:
	// 200 OK true
	// executor b route a,b
}

// So will a generated client of any of the three protocols; this one speaks gRPC.
func Example_grpc() {
	a, b := startPair()
	defer b.stop()
	defer a.stop()

	client := &http.Client{Transport: &http.Transport{Protocols: new(http.Protocols)}}
	client.Transport.(*http.Transport).Protocols.SetUnencryptedHTTP2(true)
	defer client.CloseIdleConnections()

	transport := connecthttp.NewTransport(client, "http://"+a.address, connecthttp.WithGRPC())
	orders := shopv1connect.NewOrderServiceClient(connect.NewClient(transport))
	res, err := orders.CreateOrder(context.Background(), &shopv1.CreateOrderRequest{Sku: "tea", Qty: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.GetOrder().GetId(), res.GetOrder().GetSku())
	// Output: o-1 tea
}

// Streams pass through like calls.
func Example_stream() {
	a, b := startPair()
	defer b.stop()
	defer a.stop()

	orders := shopv1connect.NewOrderServiceClient(connect.NewClient(a.Transport("orders")))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := orders.WatchOrders(ctx, &shopv1.WatchOrdersRequest{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stream.Close()
	for _, sku := range []string{"tea", "milk"} {
		if _, err := orders.CreateOrder(ctx, &shopv1.CreateOrderRequest{Sku: sku, Qty: 1}); err != nil {
			fmt.Println(err)
			return
		}
		seen, err := stream.Receive()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("saw", seen.GetOrder().GetSku())
	}
	// Output:
	// saw tea
	// saw milk
}

// A process that hosts nothing dials any collector and has the whole mesh: a does not have the method, b does.
func Example_dial() {
	a, b := startPair()
	defer b.stop()
	defer a.stop()

	ctx := context.Background()
	mesh, err := dispatcher.Dial(ctx, a.address, []string{"users"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer mesh.Close()
	users := shopv1connect.NewUserServiceClient(connect.NewClient(mesh.Transport("users")))
	res, err := users.ListUsers(ctx, &shopv1.ListUsersRequest{Limit: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, user := range res.GetUsers() {
		fmt.Println(user.GetName())
	}
	// Output:
	// Ada Lovelace
	// Grace Hopper
}
