package main

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// namespace is that of all services of the rig.
const namespace = "kitchen"

func peerName(i int) string { return fmt.Sprintf("p%02d", i+1) }

// kitchen tells what arrived.
type kitchen struct {
	testingv1connect.UnimplementedKitchenServiceHandler
}

func (kitchen) Cook(_ context.Context, req *testingv1.CookRequest) (*testingv1.CookResponse, error) {
	text, err := protojson.Marshal(req)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err.Error())
	}
	return &testingv1.CookResponse{Json: string(text)}, nil
}

func (kitchen) Simmer(
	ctx context.Context, req *testingv1.SimmerRequest, stream testingv1connect.KitchenServiceSimmerServerStream,
) error {
	ticker := time.NewTicker(max(time.Millisecond, time.Duration(req.GetPauseMillis())*time.Millisecond))
	defer ticker.Stop()
	for n := int64(1); req.GetLimit() == 0 || n <= int64(req.GetLimit()); n++ {
		if err := stream.Send(&testingv1.SimmerResponse{Number: n}); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
