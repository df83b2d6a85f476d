package dispatcher

import (
	"context"
	"time"

	"connectrpc.com/connect/v2"
)

// bound gives a unary call the default deadline if it has none and cuts one that is too far away. Streams live as long
// as their client wants: what bounds them is that each end is read and written in time.
func (l Limits) bound(ctx context.Context, kind connect.StreamType) (context.Context, context.CancelFunc) {
	if kind != connect.StreamTypeUnary {
		return ctx, func() {}
	}
	deadline, ok := ctx.Deadline()
	switch {
	case !ok && l.DefaultTimeout > 0:
		return context.WithTimeout(ctx, l.DefaultTimeout)
	case ok && l.MaxTimeout > 0 && time.Until(deadline) > l.MaxTimeout:
		return context.WithTimeout(ctx, l.MaxTimeout)
	}
	return ctx, func() {}
}
