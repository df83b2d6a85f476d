package shop_test

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectinprocess"

	"github.com/collectiverpc/collective/examples/shop"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

func newClient() *connect.Client {
	server := connect.NewServer()
	shopv1connect.RegisterUserServiceHandler(server, shop.NewUsers())
	shopv1connect.RegisterOrderServiceHandler(server, shop.NewOrders())
	shopv1connect.RegisterInventoryServiceHandler(server, shop.NewInventory(map[string]int64{"tea": 3}))
	return connect.NewClient(connectinprocess.New(server))
}

func TestUsers(t *testing.T) {
	t.Parallel()
	users := shopv1connect.NewUserServiceClient(newClient())
	got, err := users.GetUser(t.Context(), &shopv1.GetUserRequest{Id: "u-2"})
	if err != nil || got.GetUser().GetName() != "Grace Hopper" {
		t.Errorf("u-2 is %v, %v", got, err)
	}
	if _, err := users.GetUser(t.Context(), &shopv1.GetUserRequest{Id: "x"}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("unknown user: %v", err)
	}
	for limit, want := range map[int32]int{0: 3, 2: 2, 9: 3} {
		list, err := users.ListUsers(t.Context(), &shopv1.ListUsersRequest{Limit: limit})
		if err != nil || len(list.GetUsers()) != want {
			t.Errorf("limit %d: %v, %v", limit, list, err)
		}
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	orders := shopv1connect.NewOrderServiceClient(newClient())
	for _, bad := range []*shopv1.CreateOrderRequest{{Qty: 1}, {Sku: "tea"}, {Sku: "tea", Qty: -1}} {
		if _, err := orders.CreateOrder(t.Context(), bad); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%v: %v", bad, err)
		}
	}
	made, err := orders.CreateOrder(t.Context(), &shopv1.CreateOrderRequest{Sku: "tea", Qty: 2})
	if err != nil || made.GetOrder().GetId() != "o-1" {
		t.Fatalf("made %v, %v", made, err)
	}
	got, err := orders.GetOrder(t.Context(), &shopv1.GetOrderRequest{Id: "o-1"})
	if err != nil || got.GetOrder().GetQty() != 2 {
		t.Errorf("o-1 is %v, %v", got, err)
	}
	if _, err := orders.GetOrder(t.Context(), &shopv1.GetOrderRequest{Id: "x"}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("unknown order: %v", err)
	}
}

func TestWatchOrdersSendsOldAndNewOnes(t *testing.T) {
	t.Parallel()
	orders := shopv1connect.NewOrderServiceClient(newClient())
	order := func(sku string) {
		if _, err := orders.CreateOrder(t.Context(), &shopv1.CreateOrderRequest{Sku: sku, Qty: 1}); err != nil {
			t.Error(err)
		}
	}
	order("tea")
	order("milk")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := orders.WatchOrders(ctx, &shopv1.WatchOrdersRequest{Sku: "tea"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"o-1", "o-3"} {
		got, err := stream.Receive()
		if err != nil || got.GetOrder().GetId() != want {
			t.Fatalf("received %v, %v; want %s", got, err, want)
		}
		order("tea")
	}
	cancel()
	for err == nil {
		_, err = stream.Receive()
	}
	if !errors.Is(err, context.Canceled) && connect.CodeOf(err) != connect.CodeCanceled {
		t.Errorf("ended with %v", err)
	}
}

func TestReserveStock(t *testing.T) {
	t.Parallel()
	inventory := shopv1connect.NewInventoryServiceClient(newClient())
	got, err := inventory.ReserveStock(t.Context(), &shopv1.ReserveStockRequest{Sku: "tea", Qty: 2})
	if err != nil || got.GetRemaining() != 1 || got.GetReservationId() != "r-1" {
		t.Fatalf("reserved %v, %v", got, err)
	}
	_, err = inventory.ReserveStock(t.Context(), &shopv1.ReserveStockRequest{Sku: "tea", Qty: 2})
	if connect.CodeOf(err) != connect.CodeFailedPrecondition {
		t.Errorf("two of one: %v", err)
	}
	left, err := inventory.GetStock(t.Context(), &shopv1.GetStockRequest{Sku: "tea"})
	if err != nil || left.GetQty() != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}
