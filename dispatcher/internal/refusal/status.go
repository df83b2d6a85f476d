package refusal

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
	"github.com/collectiverpc/collective/mesh"
)

// routeKey is the key of Status.details for the collectors that a call visited, comma separated.
const routeKey = "route"

// OKStatus is the status of a call whose handler answered.
func OKStatus(route []string) *collector.Status {
	ok := status.OK()
	ok.Details = map[string]string{status.CodeKey: "ok", routeKey: mesh.JoinRoute(route)}
	return ok
}

// FailedStatus puts an error into a Status. It keeps who failed: the reason is the mesh's own word if the mesh
// authored the error, and handler_error if a handler did.
func FailedStatus(err error, route []string) *collector.Status {
	verdict := VerdictOf(err)
	reason := mesh.ReasonHandlerError
	if failure, ok := FailureOf(verdict); ok {
		reason = mesh.Reason(failure.GetReason())
	}
	failed := status.FromError(verdict)
	failed.Details[status.ReasonKey], failed.Details[routeKey] = string(reason), mesh.JoinRoute(route)
	if failed.GetMessage() == "" {
		failed.Message = verdict.Code().String()
	}
	if reason == mesh.ReasonMethodUnknown || reason == mesh.ReasonTargetNotServing {
		failed.Code = http.StatusNotFound // the router does not know it; 501 is left to handlers that are not implemented
	}
	return failed
}

// VerdictOf is what the caller of a handler that returned err is told. As everywhere in connect, the text of an error
// that was not written for callers stays here.
func VerdictOf(err error) *connect.Error {
	if own, ok := errors.AsType[*connect.Error](err); ok && own != nil {
		return own
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return TimeOver(err, true).Err()
	case errors.Is(err, context.Canceled):
		return TimeOver(err, true).Err()
	}
	return connect.NewError(connect.CodeUnknown, "").WithCause(err)
}
