package dispatcher

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
)

// routeKey is the key of Status.details for the collectors that a call visited, comma separated.
const routeKey = "route"

// okStatus is the status of a call whose handler answered.
func okStatus(route []string) *collector.Status {
	ok := status.OK()
	ok.Details = map[string]string{status.CodeKey: "ok", routeKey: joinRoute(route)}
	return ok
}

// failedStatus puts an error into a Status. It keeps who failed: the reason is the mesh's own word if the mesh
// authored the error, and handler_error if a handler did.
func failedStatus(err error, route []string) *collector.Status {
	verdict := verdictOf(err)
	reason := reasonHandlerError
	if failure, ok := failureOf(verdict); ok {
		reason = failure.GetReason()
	}
	failed := status.FromError(verdict)
	failed.Details[status.ReasonKey], failed.Details[routeKey] = reason, joinRoute(route)
	if failed.GetMessage() == "" {
		failed.Message = verdict.Code().String()
	}
	if reason == reasonMethodUnknown || reason == reasonTargetNotServing {
		failed.Code = http.StatusNotFound // the router does not know it; 501 is left to handlers that are not implemented
	}
	return failed
}

// verdictOf is what the caller of a handler that returned err is told. As everywhere in connect, the text of an error
// that was not written for callers stays here.
func verdictOf(err error) *connect.Error {
	if own, ok := errors.AsType[*connect.Error](err); ok && own != nil {
		return own
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return timeOver(err, true).err()
	case errors.Is(err, context.Canceled):
		return timeOver(err, true).err()
	}
	return connect.NewError(connect.CodeUnknown, "").WithCause(err)
}

func joinRoute(route []string) string { return strings.Join(route, ",") }
