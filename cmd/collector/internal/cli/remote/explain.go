package remote

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/internal/status"
)

// Explain makes a failure of an error that an RPC ended with; one that is a failure stays as it is. parent is the
// command's context, without the timeout.
func (e *explainer) Explain(parent context.Context, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := failure.As(err); ok {
		return f
	}
	if parent.Err() != nil {
		return failure.Canceled(failure.ExitInterrupted, "interrupted")
	}
	seen := e.recorded.answered()
	late := connect.CodeOf(err) == connect.CodeDeadlineExceeded && e.recorded.connected.Load()
	switch {
	case seen == nil && !late:
		return e.throughProxy(e.explainUnreached(parent, err), err)
	case seen != nil && !seen.isRPC():
		return e.throughProxy(e.explainStranger(seen), err)
	case seen == nil:
		return e.throughProxy(e.explainVerdict(err), err)
	}
	return e.hintAccess(e.explainVerdict(err), err)
}

// hintAccess says how to be somebody who may, where it was the collector that refused and no method.
func (e *explainer) hintAccess(f *failure.Error, err error) *failure.Error {
	code, reason := connect.CodeOf(err), f.Details[status.ReasonKey]
	if code != connect.CodePermissionDenied && code != connect.CodeUnauthenticated || reason == "" || e.way.socket != "" {
		return f
	}
	if isThisMachine(e.way.base.Hostname()) {
		f.Hint("run it as the user who runs the collector, on its machine: then its socket lets you in")
	}
	return f.Hint("or say who you are: --token-file FILE, --api-key-file FILE, or --cert FILE --key FILE")
}
