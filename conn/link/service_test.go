package link_test

import (
	"context"

	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// frozen does not read what it is sent.
type frozen struct{ echo }

func (frozen) Converse(ctx context.Context, _ testingv1connect.EchoServiceConverseServerStream) error {
	<-ctx.Done()
	return ctx.Err()
}
