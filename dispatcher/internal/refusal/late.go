package refusal

import (
	"context"
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/mesh"
)

// TimeOver is the refusal of a call that has no time left.
func TimeOver(err error, maybeExecuted bool) *Refusal {
	r := New(connect.CodeCanceled, mesh.ReasonCanceled, "the caller canceled the call")
	if errors.Is(err, context.DeadlineExceeded) {
		r = New(connect.CodeDeadlineExceeded, mesh.ReasonDeadline, "the deadline of the call passed")
	}
	r.MaybeExecuted, r.Cause = maybeExecuted, err
	return r
}
