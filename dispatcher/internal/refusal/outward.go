package refusal

import (
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/mesh"
)

// Outward gives an error the form in which it leaves on the native path, and tells the mesh's reason if it has one. A
// client that knows nothing of the mesh is told of an unknown method as by any other server, without a CallFailure.
func Outward(err error) (reason mesh.Reason, plain error) {
	verdict, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return "", err
	}
	failure, ok := FailureOf(verdict)
	if !ok {
		return "", err
	}
	reason = mesh.Reason(failure.GetReason())
	if reason != mesh.ReasonMethodUnknown || len(verdict.Details()) > 1 {
		return reason, err
	}
	return reason, connect.NewError(verdict.Code(), verdict.Message()).WithCause(err)
}
