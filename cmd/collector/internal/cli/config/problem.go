package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong.
type Problem struct {
	File   string `json:"file,omitempty"` // empty for what a flag or a variable says
	Line   int    `json:"line,omitempty"` // counted from 1; 0 for the file as a whole
	Column int    `json:"column,omitempty"`
	Fields string `json:"fields,omitempty"` // with commas between them
	What   string `json:"message"`          // with what to do instead
}

func (p Problem) String() string {
	var text strings.Builder
	if p.File != "" {
		text.WriteString(p.File + ":")
		if p.Line > 0 {
			fmt.Fprintf(&text, "%d:%d:", p.Line, p.Column)
		}
		text.WriteString(" ")
	}
	return text.String() + p.What
}

// Problems are all that is wrong, in the order of the file.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// err is nil without problems.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column) })
	return p
}
