package registry

import (
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// Why a registration is refused. An error of this package about a registration has one or more of them in its chain.
var (
	ErrMalformed = descriptor.ErrMalformed       // no valid schema by itself
	ErrTooLarge  = descriptor.ErrTooLarge        // see Limits
	ErrConflict  = descriptor.ErrConflict        // the name belongs to something else
	ErrReserved  = descriptor.ErrReserved        // nobody's to claim
	ErrBreaking  = errors.New("breaking change") // old and new programs would not understand each other
)

// Why a call is refused; in the chain of the Connect errors of the validators. Their codes are not_found,
// failed_precondition and invalid_argument, in this order.
var (
	ErrNotRegistered = errors.New("not registered")
	ErrAmbiguous     = errors.New("ambiguous service name")
	ErrWrongInput    = errors.New("wrong input type")
)

// notFound is told with what there is instead. What it quotes of a request is bounded by the format: names of callers are as
// long as they like.
func notFound(format string, args ...any) error {
	return connect.Errorf(connect.CodeNotFound, format, args...).WithCause(ErrNotRegistered)
}

// ambiguous is told with what the name could mean.
func ambiguous(format string, args ...any) error {
	return connect.Errorf(connect.CodeFailedPrecondition, format, args...).WithCause(ErrAmbiguous)
}

// wrongInput is told with the message that the method takes.
func wrongInput(format string, args ...any) error {
	return connect.Errorf(connect.CodeInvalidArgument, format, args...).WithCause(ErrWrongInput)
}
