package call

import (
	"context"
	"time"

	"connectrpc.com/connect/v2"
)

// Timeouts are the deadlines of unary calls, see Limits. One that is not positive is none.
type Timeouts struct {
	Unset time.Duration // of a call that brings none
	Most  time.Duration
}

// Bound gives a unary call the default deadline if it has none and cuts one that is too far away. Streams live as long
// as their client wants: what bounds them is that each end is read and written in time.
func (l Timeouts) Bound(ctx context.Context, kind connect.StreamType) (context.Context, context.CancelFunc) {
	if kind != connect.StreamTypeUnary {
		return ctx, func() {}
	}
	deadline, ok := ctx.Deadline()
	switch {
	case !ok && l.Unset > 0:
		return context.WithTimeout(ctx, l.Unset)
	case ok && l.Most > 0 && time.Until(deadline) > l.Most:
		return context.WithTimeout(ctx, l.Most)
	}
	return ctx, func() {}
}
