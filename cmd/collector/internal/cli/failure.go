package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/collectiverpc/collective/gen/collector"
)

// failure is why a command did not do it, for people and for programs.
type failure struct {
	exit    int
	code    string   // a word for programs: a Connect code name, or usage, unreachable, canceled, failed
	what    string   // one line
	why     []string // what is known about the cause, one line each
	hints   []string // what to try next, one line each
	details map[string]string
	// messages are the error details that the handler of a call gave, decoded.
	messages []errorDetail
	route    []string // the collectors the call visited
	report   *collector.SchemaReport
}

func (f *failure) Error() string { return f.what }

func usagef(format string, args ...any) *failure {
	return &failure{exit: exitUsage, code: "usage", what: fmt.Sprintf(format, args...)}
}

func failuref(format string, args ...any) *failure {
	return &failure{exit: exitFailure, code: "failed", what: fmt.Sprintf(format, args...)}
}

func (f *failure) hint(lines ...string) *failure {
	f.hints = append(f.hints, lines...)
	return f
}

// write prints what, why and hints. The texts may come from another machine, so they are cleaned.
func (f *failure) write(w io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "error: %s", clean(f.what))
	if f.exit >= exitRPC && f.exit != exitInterrupted || f.exit == exitUnauthenticated {
		fmt.Fprintf(&b, "  (%s)", f.code)
	}
	b.WriteByte('\n')
	for _, line := range f.why {
		fmt.Fprintf(&b, "  %s\n", clean(line))
	}
	for _, detail := range f.messages {
		fmt.Fprintf(&b, "  %s\n", clean(detail.String()))
	}
	label := "hint:  "
	for _, line := range f.hints {
		fmt.Fprintf(&b, "%s%s\n", label, clean(line))
		label = "       "
	}
	_, _ = io.WriteString(w, b.String()) // there is nobody left to tell
}

// writeJSON prints the failure as one JSON document on one line.
func (f *failure) writeJSON(w io.Writer) {
	type body struct {
		Code     string            `json:"code"`
		Message  string            `json:"message"`
		Why      []string          `json:"why,omitempty"`
		Hint     []string          `json:"hint,omitempty"`
		Details  map[string]string `json:"details,omitempty"`
		Messages []errorDetail     `json:"error_details,omitempty"`
		Route    []string          `json:"route,omitempty"`
		Report   json.RawMessage   `json:"report,omitempty"` // proto JSON
		Exit     int               `json:"exit"`
	}
	var report json.RawMessage
	if f.report != nil {
		report, _ = marshalJSON(f.report) // a message that was decoded encodes
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(map[string]body{"error": {
		Code: f.code, Message: f.what, Why: f.why, Hint: f.hints, Details: f.details, Messages: f.messages, Route: f.route, Report: report, Exit: f.exit,
	}})
	_, _ = io.WriteString(w, escapeControls(b.String())) // there is nobody left to tell
}

// clean makes text from elsewhere fit for one line of a terminal: no control characters, so no escape sequences.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
