package ruleset

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a file, or worth knowing of it.
type Problem struct {
	File    string
	Line    int    // from 1; 0 for the file as a whole
	Column  int    // from 1, in bytes
	Policy  string // id of the policy, if it has got that far
	Message string // what is wrong
	Hint    string // what is known instead, or what to do; may be empty
}

// String is the problem as compilers write it: file:line:column: message.
func (p Problem) String() string {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	text := at + ": " + p.Message
	if p.Policy != "" {
		text = at + ": policy " + p.Policy + ": " + p.Message
	}
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// Problems is a file that cannot be used. It is never empty.
type Problems []Problem

// maxTold keeps an error readable: the same mistake may stand in thousands of policies. It is how many problems an error writes; all are in the slice.
const maxTold = 20

// Error is a line for each problem.
func (p Problems) Error() string {
	lines := make([]string, 0, min(len(p), maxTold)+1)
	for _, problem := range p[:min(len(p), maxTold)] {
		lines = append(lines, problem.String())
	}
	if more := len(p) - maxTold; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more problems", more))
	}
	return strings.Join(lines, "\n")
}
