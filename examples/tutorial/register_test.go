package tutorial_test

import (
	"context"
	"fmt"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// One method, from its descriptor. What is registered while the mesh runs can be called at once, and taken back.
func Example_handle() {
	a, b := startPair()
	defer b.stop()
	defer a.stop()

	service := shopv1.File_shop_v1_inventory_proto.Services().ByName("InventoryService")
	getStock := func(_ context.Context, in *shopv1.GetStockRequest) (*shopv1.GetStockResponse, error) {
		return &shopv1.GetStockResponse{Qty: int64(len(in.GetSku()))}, nil
	}
	must(dispatcher.Handle(a.Dispatcher, "orders", service.Methods().ByName("GetStock"), getStock))

	inventory := shopv1connect.NewInventoryServiceClient(connect.NewClient(a.Transport("orders")))
	res, err := inventory.GetStock(context.Background(), &shopv1.GetStockRequest{Sku: "tea"})
	fmt.Println(res.GetQty(), err)

	fmt.Println(a.Unregister("orders", "shop.v1.InventoryService"))
	// Output:
	// 3 <nil>
	// true
}

// Misuse fails when it is registered, with everything that is wrong.
func Example_mismatch() {
	a := start("a", "users")
	defer a.stop()

	service := shopv1.File_shop_v1_users_proto.Services().ByName("UserService")
	err := a.RegisterImplementation("users", service, halfAService{})
	for problem := range strings.SplitSeq(err.Error(), "; ") {
		fmt.Println(problem)
	}
	// Output:
	// registration refused: namespace "users": GetUser: result 1 is a shop.v1.ListUsersResponse, not a shop.v1.GetUserResponse
	// want func(context.Context, *GetUserRequest) (*GetUserResponse, error), have func(context.Context, *shopv1.GetUserRequest) (*shopv1.ListUsersResponse, error)
	// ListUsers: tutorial_test.halfAService has no method ListUsers
}

// halfAService has one method of two, and that with the wrong result.
type halfAService struct{}

func (halfAService) GetUser(context.Context, *shopv1.GetUserRequest) (*shopv1.ListUsersResponse, error) {
	return nil, nil
}
