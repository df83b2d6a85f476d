package dispatcher

import (
	"errors"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Reasons are the stable words of CallFailure.reason and of Status.details["reason"].
const (
	reasonInvalidRequest     = "invalid_request"
	reasonNamespaceUnknown   = "namespace_unknown"
	reasonNamespaceAmbiguous = "namespace_ambiguous"
	reasonServiceAmbiguous   = "service_ambiguous"
	reasonMethodUnknown      = "method_unknown"
	reasonNotUnary           = "not_unary"
	reasonTargetUnknown      = "target_unknown"
	reasonTargetNotServing   = "target_not_serving"
	reasonUnreachable        = "unreachable"
	reasonSchemaIncompatible = "schema_incompatible"
	reasonNotRegistered      = "not_registered"
	reasonInputType          = "input_type"
	reasonInputMalformed     = "input_malformed"
	reasonTooLarge           = "too_large"
	reasonHandlerError       = "handler_error"
	reasonHandlerPanic       = "handler_panic"
	reasonLinkDown           = "link_down"
	reasonLinkLost           = "link_lost"
	reasonDeadline           = "deadline"
	reasonCanceled           = "canceled"
)

// refusal is a failure that the mesh authors, before it becomes a Connect error or a Status.
type refusal struct {
	code    connect.Code
	reason  string
	message string // what, why, what next
	// status is the HTTP status of Connect's unary answers where the code's own says less; 0 for that.
	status int
	// protocol tells that the request is not of the protocol that it names. Any server refuses that, and so it looks.
	protocol bool
	// maybeExecuted is whether the handler may have run.
	maybeExecuted bool
	looked        *looked // what the router looked at; nil if it did not come to that
	cause         error
}

func refuse(code connect.Code, reason, message string) *refusal {
	return &refusal{code: code, reason: reason, message: message}
}

// Error and Unwrap let failureOf find a refusal in a chain of causes.
func (r *refusal) Error() string { return r.message }

func (r *refusal) Unwrap() error { return r.cause }

// err makes the error that callers see. route is the collectors that the call visited. That the caller's time is over, or
// that it does not keep to its protocol, is no failure of the mesh: such an error looks as on any server.
func (r *refusal) err(route ...string) *connect.Error {
	message := clipped(r.message, maxMessage)
	failure := connect.NewError(r.code, message).WithCause(r)
	if r.reason == reasonDeadline || r.reason == reasonCanceled || r.protocol {
		return failure
	}
	told := &meshv1.CallFailure{Reason: r.reason, MaybeExecuted: r.maybeExecuted, Route: route}
	r.looked.tell(told, maxFailure-len(message))
	detail, err := connectproto.NewErrorDetail(told)
	if err != nil { // a name that is not UTF-8; the code and the message must get through all the same
		return failure.WithCause(err)
	}
	return failure.WithDetail(detail)
}

// failureOf finds the CallFailure of an error, which tells that the mesh authored it: here, or on the peer that says so
// in a detail.
func failureOf(err *connect.Error) (*meshv1.CallFailure, bool) {
	if own, ok := errors.AsType[*refusal](err); ok && len(err.Details()) == 0 {
		return &meshv1.CallFailure{Reason: own.reason, MaybeExecuted: own.maybeExecuted}, true
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
