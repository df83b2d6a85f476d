package dispatcher

import (
	"errors"
	"net/http"

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

// plainStatus is for what is no RPC client, such as the address bar of a browser.
func (r *refusal) plainStatus() int {
	if r.code == connect.CodeUnavailable {
		return http.StatusServiceUnavailable
	}
	return http.StatusNotFound
}

// notFound answers a refusal that a router makes, not a method: 404 where Connect has 501.
type notFound struct{ http.ResponseWriter }

func (w notFound) WriteHeader(status int) {
	if status == http.StatusNotImplemented {
		status = http.StatusNotFound
	}
	w.ResponseWriter.WriteHeader(status)
}
