package dispatcher

import (
	"errors"

	"connectrpc.com/connect/v2"
)

// outward gives an error the form in which it leaves on the native path, and tells the mesh's reason if it has one. A
// client that knows nothing of the mesh is told of an unknown method as by any other server, without a CallFailure.
func outward(err error) (reason string, plain error) {
	verdict, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return "", err
	}
	failure, ok := failureOf(verdict)
	if !ok {
		return "", err
	}
	if failure.GetReason() != reasonMethodUnknown || len(verdict.Details()) > 1 {
		return failure.GetReason(), err
	}
	return reasonMethodUnknown, connect.NewError(verdict.Code(), verdict.Message()).WithCause(err)
}
