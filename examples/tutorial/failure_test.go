package tutorial_test

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

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
