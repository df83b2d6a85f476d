package link_test

import (
	"context"
	"errors"
	"io"

	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// frozen does not read what it is sent.
type frozen struct{ echo }

func (frozen) Converse(ctx context.Context, _ testingv1connect.EchoServiceConverseServerStream) error {
	<-ctx.Done()
	return ctx.Err()
}

// sink takes what it is sent.
type sink struct{ echo }

func (sink) Converse(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	for {
		if _, err := stream.Receive(); err != nil {
			return orderly(err)
		}
	}
}

// orderly is what a handler returns whose Receive returned err.
func orderly(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
