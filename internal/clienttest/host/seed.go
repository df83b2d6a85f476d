package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/store"
)

// seedNamespaces are written as users of the seed write them.
var seedNamespaces = []string{"Users_PROD", "orders"}

// runBesideSeed runs one collector whose connections are in a database, and connects it to a collector of the seed's
// contract, unless there is none or it comes back by itself.
func runBesideSeed(ctx context.Context, path, seedAddress string) error {
	file, err := store.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	ours, err := meshtest.Start("Ours_1", seedNamespaces, nil, dispatcher.WithStore(file))
	if err != nil {
		return err
	}
	if err := errors.Join(hostUntyped(ours.Dispatcher), reach(ctx, ours.Dispatcher, seedAddress)); err != nil {
		return err
	}
	fmt.Println(ours.Address)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// reach recovers, or connects by hand if there is nothing to recover.
func reach(ctx context.Context, d *dispatcher.Dispatcher, seedAddress string) error {
	connections := d.GetConnectionManager()
	if known := connections.ListConnections(); seedAddress == "" || len(known) > 0 {
		return connections.RecoverFromRestart(ctx)
	}
	_, err := d.ConnectTo(ctx, seedAddress, []string{"Users_PROD"})
	return err
}

func hostUntyped(d *dispatcher.Dispatcher) error {
	return errors.Join(
		d.RegisterService("Users_PROD", "UserService", "GetUser", func(_ context.Context, input any) (any, error) {
			return map[string]any{"id": input, "at": d.ID()}, nil
		}),
		d.RegisterService("Users_PROD", "UserService", "Fail", func(context.Context, any) (any, error) {
			return nil, errors.New("the disk is full")
		}),
		// Ask makes a program's own use of GetClient: its input is an address, its output what Dispatch answers there.
		d.RegisterService("orders", "Program", "Ask", func(ctx context.Context, input any) (any, error) {
			client, ok := d.GetConnectionManager().GetClient(fmt.Sprint(input))
			if !ok {
				return nil, fmt.Errorf("there is no client of %v", input)
			}
			return client.Dispatch(ctx, &collector.DispatchRequest{
				Namespace: "Users_PROD", Service: &collector.ServiceTypeRef{ServiceName: "SeedService"}, MethodName: "Echo",
				Input: &anypb.Any{TypeUrl: "type.googleapis.com/google.protobuf.Empty"},
			})
		}),
	)
}
