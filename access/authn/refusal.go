package authn

import (
	"fmt"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/mesh"
)

// Refuse makes the error for a credential that does not hold: unauthenticated, with the reason for programs and a text for
// people that says what is wrong, why, and what to do next. The text is told to the caller and written to logs: arguments
// must not be the credential, nor what one claims that is not verified.
func Refuse(reason mesh.Reason, format string, args ...any) *connect.Error {
	return refusal(connect.CodeUnauthenticated, reason, fmt.Sprintf(format, args...))
}

// Later makes the error for a credential that cannot be judged now and may be taken later: unavailable. The cause stays
// in this process: it may name what callers have no business with. It may be nil.
func Later(reason mesh.Reason, cause error, format string, args ...any) *connect.Error {
	return refusal(connect.CodeUnavailable, reason, fmt.Sprintf(format, args...)).WithCause(cause)
}

func refusal(code connect.Code, reason mesh.Reason, text string) *connect.Error {
	failure := connect.NewError(code, text)
	detail, err := connectproto.NewErrorDetail(&meshv1.CallFailure{Reason: string(reason)})
	if err != nil { // a reason is ASCII; the code and the text must get through all the same
		return failure.WithCause(err)
	}
	return failure.WithDetail(detail)
}
