package failure

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/collectiverpc/collective/gen/collector"
)

// Codes of failures that no RPC ended with.
const (
	CodeUsage       = "usage"
	CodeFailed      = "failed"
	CodeCanceled    = "canceled"
	CodeUnreachable = "unreachable"
)

// Error is why a command did not do it. Its texts may come from another machine: who prints them cleans them.
type Error struct {
	Exit    int
	Code    string   // a word for programs
	What    string   // one line
	Why     []string // what is known about the cause, one line each
	Hints   []string // what to try next, one line each
	Details map[string]string
	// Messages are the error details that the handler of a call gave, decoded.
	Messages []Detail
	Route    []string // the collectors the call visited
	Report   *collector.SchemaReport
}

func (f *Error) Error() string { return f.What }

// Detail is a message that came with an error, decoded as far as its type is known.
type Detail struct {
	Type   string          `json:"type"`
	Value  json.RawMessage `json:"value,omitempty"`  // proto JSON; none if the type is not known
	Base64 string          `json:"base64,omitempty"` // the message as it came, if it does not decode
}

// String is the detail on one line.
func (d Detail) String() string {
	if d.Value == nil {
		return d.Type + " (of a schema that is not known here) base64 " + d.Base64
	}
	return d.Type + " " + string(d.Value)
}

// Usagef is for what the user could have known: a bad flag, bad JSON, a name that nobody has.
func Usagef(format string, args ...any) *Error {
	return &Error{Exit: ExitUsage, Code: CodeUsage, What: fmt.Sprintf(format, args...)}
}

// Newf is for everything else.
func Newf(format string, args ...any) *Error {
	return &Error{Exit: ExitFailure, Code: CodeFailed, What: fmt.Sprintf(format, args...)}
}

// Canceled is for a command that was stopped before it was done; exit is [ExitInterrupted] or [ExitReaderGone].
func Canceled(exit int, what string) *Error {
	return &Error{Exit: exit, Code: CodeCanceled, What: what}
}

// As finds the failure in an error's chain.
func As(err error) (*Error, bool) { return errors.AsType[*Error](err) }

// Hint adds lines about what to try next.
func (f *Error) Hint(lines ...string) *Error {
	f.Hints = append(f.Hints, lines...)
	return f
}

// Because adds lines about the cause.
func (f *Error) Because(lines ...string) *Error {
	f.Why = append(f.Why, lines...)
	return f
}
