package tutorial_test

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// A handler's error arrives as the handler made it. A failure of the mesh carries a CallFailure that says what it was.
func Example_errors() {
	a, b := startPair()
	defer b.stop()
	defer a.stop()
	ctx := context.Background()

	users := shopv1connect.NewUserServiceClient(connect.NewClient(a.Transport("users")))
	_, err := users.GetUser(ctx, &shopv1.GetUserRequest{Id: "u-9"})
	fmt.Printf("%v, by the mesh: %q\n", connect.CodeOf(err), reasonOf(err))

	inventory := shopv1connect.NewInventoryServiceClient(connect.NewClient(a.Transport("users")))
	_, err = inventory.GetStock(ctx, &shopv1.GetStockRequest{Sku: "tea"})
	fmt.Printf("%v, by the mesh: %q\n", connect.CodeOf(err), reasonOf(err))
	// Output:
	// not_found, by the mesh: ""
	// unimplemented, by the mesh: "method_unknown"
}

// A handler that answers with the error of a call of its own says that it passes it on.
func Example_passOn() {
	a, b := startPair()
	defer b.stop()
	defer a.stop()
	users := shopv1connect.NewUserServiceClient(connect.NewClient(a.Transport("users")))
	getStock := func(ctx context.Context, in *shopv1.GetStockRequest) (*shopv1.GetStockResponse, error) {
		if _, err := users.GetUser(ctx, &shopv1.GetUserRequest{Id: in.GetSku()}); err != nil {
			return nil, dispatcher.PassOn(err)
		}
		return &shopv1.GetStockResponse{}, nil
	}
	service := shopv1.File_shop_v1_inventory_proto.Services().ByName("InventoryService")
	must(dispatcher.Handle(a.Dispatcher, "orders", service.Methods().ByName("GetStock"), getStock))

	inventory := shopv1connect.NewInventoryServiceClient(connect.NewClient(a.Transport("orders")))
	_, err := inventory.GetStock(context.Background(), &shopv1.GetStockRequest{Sku: "u-9"})
	fmt.Println(err)
	// Output:
	// not_found: no user "u-9": the shop knows u-1, u-2 and u-3
}

// reasonOf answers why the mesh failed a call, or "" if it was the handler.
func reasonOf(err error) string {
	failed, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return ""
	}
	for _, detail := range failed.Details() {
		message, err := connectproto.UnmarshalErrorDetail(detail)
		if failure, ok := message.(*meshv1.CallFailure); err == nil && ok {
			return failure.GetReason()
		}
	}
	return ""
}
