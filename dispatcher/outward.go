package dispatcher

import (
	"errors"
	"net/http"

	"connectrpc.com/connect/v2"
)

// outward gives an error the form in which it leaves on the native path, and tells the mesh's reason if it has one. A
// client that knows nothing of the mesh is answered as by any other server: where such a server fails a call in the
// same way, the code says it all and there is no CallFailure.
func outward(err error) (plain error, reason string) {
	verdict, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return err, ""
	}
	failure, ok := failureOf(verdict)
	if !ok {
		return err, ""
	}
	reason = failure.GetReason()
	if !likeAnyServer(reason) || len(verdict.Details()) > 1 {
		return err, reason
	}
	return connect.NewError(verdict.Code(), verdict.Message()).WithCause(err), reason
}

// likeAnyServer reports whether a server without a mesh fails calls for that reason too.
func likeAnyServer(reason string) bool {
	return reason == reasonMethodUnknown || reason == reasonDeadline || reason == reasonCanceled
}

// notFound answers a refusal that a router makes, not a method: 404 where Connect has 501.
type notFound struct{ http.ResponseWriter }

func (w notFound) WriteHeader(status int) {
	if status == http.StatusNotImplemented {
		status = http.StatusNotFound
	}
	w.ResponseWriter.WriteHeader(status)
}
