package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
)

// WriteFailure prints what, why and hints. The texts may come from another machine, so they are cleaned.
func WriteFailure(w io.Writer, f *failure.Error) {
	var b strings.Builder
	fmt.Fprintf(&b, "error: %s", words.Clean(f.What))
	if f.Exit >= failure.ExitRPC && f.Exit != failure.ExitInterrupted || f.Exit == failure.ExitUnauthenticated {
		fmt.Fprintf(&b, "  (%s)", f.Code)
	}
	b.WriteByte('\n')
	for _, line := range f.Why {
		fmt.Fprintf(&b, "  %s\n", words.Clean(line))
	}
	for _, detail := range f.Messages {
		fmt.Fprintf(&b, "  %s\n", words.Clean(detail.String()))
	}
	label := "hint:  "
	for _, line := range f.Hints {
		fmt.Fprintf(&b, "%s%s\n", label, words.Clean(line))
		label = "       "
	}
	_, _ = io.WriteString(w, b.String()) // there is nobody left to tell
}

// failureJSON is a failure as programs read it.
type failureJSON struct {
	Code     string            `json:"code"`
	Message  string            `json:"message"`
	Why      []string          `json:"why,omitempty"`
	Hint     []string          `json:"hint,omitempty"`
	Details  map[string]string `json:"details,omitempty"`
	Messages []failure.Detail  `json:"error_details,omitempty"`
	Route    []string          `json:"route,omitempty"`
	Report   json.RawMessage   `json:"report,omitempty"` // proto JSON
	Exit     int               `json:"exit"`
}

// WriteFailureJSON prints the failure as one JSON document on one line.
func WriteFailureJSON(w io.Writer, f *failure.Error) {
	body := failureJSON{
		Code: f.Code, Message: f.What, Why: f.Why, Hint: f.Hints, Details: f.Details, Messages: f.Messages, Route: f.Route,
		Exit: f.Exit,
	}
	if f.Report != nil {
		body.Report, _ = encode(f.Report) // a message that was decoded encodes
	}
	document, _ := encode(map[string]failureJSON{"error": body}) // it has nothing that does not encode
	_, _ = io.WriteString(w, words.EscapeControls(string(document)))
}
