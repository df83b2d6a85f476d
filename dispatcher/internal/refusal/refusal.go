package refusal

import (
	"errors"
	"net/http"
	"slices"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/mesh"
)

// Refusal is a failure that the mesh authors, before it becomes a Connect error or a Status.
type Refusal struct {
	Code    connect.Code
	Reason  mesh.Reason
	Message string // what, why, what next
	// Status is the HTTP status of Connect's unary answers where the code's own says less; 0 for that.
	Status int
	// Protocol tells that the request is not of the protocol that it names. Any server refuses that, and so it looks.
	Protocol bool
	// MaybeExecuted is whether the handler may have run.
	MaybeExecuted bool
	Looked        Looked // what the router looked at; nil if it did not come to that
	// Inside is what those are told beside the message who may observe, and no caller; empty for nothing.
	Inside string
	// Details are for the caller, beside the CallFailure.
	Details []*connect.ErrorDetail
	Cause   error
}

// New makes a refusal of a call that did not run.
func New(code connect.Code, reason mesh.Reason, message string) *Refusal {
	return &Refusal{Code: code, Reason: reason, Message: message}
}

// Error and Unwrap let FailureOf find a refusal in a chain of causes.
func (r *Refusal) Error() string { return r.Message }

func (r *Refusal) Unwrap() error { return r.Cause }

// Err makes the error that callers see. route is the collectors that the call visited. That the caller's time is over, or
// that it does not keep to its protocol, is no failure of the mesh: such an error looks as on any server.
func (r *Refusal) Err(route ...string) *connect.Error {
	message := clipped(r.Message, MaxMessage)
	failure := connect.NewError(r.Code, message).WithCause(r)
	if r.Reason == mesh.ReasonDeadline || r.Reason == mesh.ReasonCanceled || r.Protocol {
		return failure
	}
	told := &meshv1.CallFailure{Reason: string(r.Reason), MaybeExecuted: r.MaybeExecuted, Route: route}
	if r.Looked != nil {
		tell(told, r.Looked, maxFailure-len(message))
	}
	detail, err := connectproto.NewErrorDetail(told)
	if err != nil { // a name that is not UTF-8; the code and the message must get through all the same
		return failure.WithCause(err)
	}
	failure = failure.WithDetail(detail)
	for _, more := range r.Details {
		if more.Type != detail.Type {
			failure = failure.WithDetail(more)
		}
	}
	return failure
}

// MayPass reports whether a refusal is of a kind that the return of a peer may mend.
func (r *Refusal) MayPass() bool {
	return r != nil && slices.Contains([]mesh.Reason{mesh.ReasonUnreachable, mesh.ReasonMethodUnknown, mesh.ReasonTargetUnknown, mesh.ReasonTargetNotServing}, r.Reason)
}

// PlainStatus is for what is no RPC client, such as the address bar of a browser.
func (r *Refusal) PlainStatus() int {
	if r.Code == connect.CodeUnavailable {
		return http.StatusServiceUnavailable
	}
	return http.StatusNotFound
}

// FailureOf finds the CallFailure of an error, which tells that the mesh authored it: here, or on the peer that says so
// in a detail.
func FailureOf(err *connect.Error) (*meshv1.CallFailure, bool) {
	if own, ok := errors.AsType[*Refusal](err); ok && len(err.Details()) == 0 {
		return &meshv1.CallFailure{Reason: string(own.Reason), MaybeExecuted: own.MaybeExecuted}, true
	}
	for _, detail := range err.Details() {
		if detail.Type != "collector.mesh.v1.CallFailure" {
			continue
		}
		message, err := connectproto.UnmarshalErrorDetail(detail)
		if err != nil {
			return nil, false
		}
		failure, ok := message.(*meshv1.CallFailure)
		return failure, ok
	}
	return nil, false
}
