package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

// report is the document of a checked file.
type report struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Policies []access.Policy  `json:"policies,omitempty"`
	Notes    []string         `json:"notes,omitempty"`
	Problems []access.Problem `json:"problems,omitempty"`
}

// Check shows the policies of a file that can be used. One that cannot is a failure with every problem of it; the JSON
// document has them as well.
func Check(out *render.Printer, path string) error {
	found, err := access.CheckPolicyFile(path)
	if refused, ok := errors.AsType[*access.PolicyError](err); ok {
		return showProblems(out, path, refused)
	}
	if err != nil {
		return unreadable(err)
	}
	document := report{File: path, OK: true, Policies: found.Policies, Notes: found.Notes}
	view := render.View{Document: document, Columns: render.Columns("POLICY", "EFFECT", "LINE"), Notes: found.Notes}
	view.Heading = fmt.Sprintf("%s can be used: %s", path, countPolicies(len(found.Policies)))
	for _, p := range found.Policies {
		view.Add(p, render.Text(p.ID), render.Text(effectOf(p)), render.Text(strconv.Itoa(p.Line)))
	}
	return out.Show(view)
}

// effectOf is the word that follows the annotations of a policy.
func effectOf(p access.Policy) string {
	if p.Forbids {
		return "forbid"
	}
	return "permit"
}

func showProblems(out *render.Printer, path string, refused *access.PolicyError) error {
	if out.Structured() {
		if err := out.Show(render.View{Document: report{File: path, Problems: refused.Problems}}); err != nil {
			return err
		}
	}
	return failed(path, refused)
}

// failed is the failure of a file that cannot be used, a line for each problem.
func failed(path string, refused *access.PolicyError) *failure.Error {
	f := failure.Newf("%s cannot be used: %s", path, countProblems(len(refused.Problems)))
	hints := make(map[string]bool)
	for _, p := range refused.Problems {
		f.Because(line(p))
		if p.Hint != "" && !hints[p.Hint] {
			hints[p.Hint] = true
			f.Hint(p.Hint)
		}
	}
	return f.Hint("collector policy show --schema     # every type, action and attribute")
}

func line(p access.Problem) string {
	var text strings.Builder
	text.WriteString(p.File + ":")
	if p.Line > 0 {
		fmt.Fprintf(&text, "%d:%d:", p.Line, p.Column)
	}
	if p.Policy != "" {
		text.WriteString(" policy " + p.Policy + ":")
	}
	return text.String() + " " + p.Message
}

func countProblems(n int) string {
	if n == 1 {
		return "1 problem"
	}
	return strconv.Itoa(n) + " problems"
}

func countPolicies(n int) string {
	if n == 1 {
		return "1 policy"
	}
	return strconv.Itoa(n) + " policies"
}

// unreadable is a file that the user could have known to be wrong.
func unreadable(err error) error {
	return failure.Usagef("%s", err).Hint("collector policy show > policy.cedar     # to begin with what is in force without a file")
}
