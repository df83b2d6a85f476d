package descriptor

import (
	"errors"
	"fmt"
	"strings"
)

// Why files are refused.
var (
	ErrMalformed = errors.New("malformed")    // no valid schema by itself
	ErrTooLarge  = errors.New("over a limit") // see Limits
	ErrConflict  = errors.New("conflict")     // the name belongs to something else
	ErrReserved  = errors.New("reserved")     // nobody's to claim
)

// MaxReasons bounds what is told about one request.
const MaxReasons = 100

// refusal collects every reason against a request, in the order they were found: an author who mends one at a time would
// have to ask as often. It is an error once it has a reason.
type refusal struct {
	reasons []error
	more    int // reasons beyond MaxReasons
}

// add adds a reason of a kind, one of the errors above. What it quotes of the request is to be bounded by the format.
func (r *refusal) add(kind error, format string, args ...any) {
	r.addError(fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...)))
}

// addError counts reasons beyond MaxReasons and drops them: the request decides how many there are.
func (r *refusal) addError(err error) {
	if len(r.reasons) == MaxReasons {
		r.more++
		return
	}
	r.reasons = append(r.reasons, err)
}

// Refuse joins reasons against one request, of which nil ones are none; nil if there is none.
func Refuse(reasons ...error) error {
	var joined refusal
	for _, reason := range reasons {
		switch own := reason.(type) { //nolint:errorlint // what others put around it is one reason
		case nil:
		case *refusal:
			for _, part := range own.reasons {
				joined.addError(part)
			}
			joined.more += own.more
		default:
			joined.addError(reason)
		}
	}
	return joined.orNil()
}

// count is the number of reasons so far.
func (r *refusal) count() int { return len(r.reasons) + r.more }

// orNil is the refusal as an error, nil if there is no reason for one.
func (r *refusal) orNil() error {
	if len(r.reasons) == 0 {
		return nil
	}
	return r
}

// Unwrap lets errors.Is find each reason.
func (r *refusal) Unwrap() []error { return r.reasons }

// Error is all reasons in one line, and how many more there are.
func (r *refusal) Error() string {
	var text strings.Builder
	for i, reason := range r.reasons {
		if i > 0 {
			text.WriteString("; ")
		}
		text.WriteString(reason.Error())
	}
	if r.more > 0 {
		fmt.Fprintf(&text, "; and %d more", r.more)
	}
	return text.String()
}
