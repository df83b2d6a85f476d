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

// refusal collects every reason against a request.
type refusal struct {
	reasons []error
	more    int // reasons beyond MaxReasons
}

func (r *refusal) add(kind error, format string, args ...any) {
	r.addError(fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...)))
}

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
