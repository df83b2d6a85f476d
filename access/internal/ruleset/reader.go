package ruleset

import "strings"

// reader makes rules of policies, and collects what is wrong with them.
type reader struct {
	checker  *checker
	file     string
	text     []byte
	rules    []*Rule
	problems Problems
	lineOf   map[string]int // the line of each id
}

// refuse adds a problem of the rule as a whole.
func (r *reader) refuse(rule *Rule, message, hint string) {
	r.refuseAt(rule, "", message, hint)
}

// refuseAt adds a problem at the first place where a word stands in the rule, or where the rule begins.
func (r *reader) refuseAt(rule *Rule, word, message, hint string) {
	line, column := find(rule, word)
	r.problems = append(r.problems, Problem{
		File: r.file, Line: line, Column: column, Policy: rule.ID, Message: message, Hint: hint,
	})
}

// find is where a word stands in a rule, comments and all: good enough to put a cursor.
func find(rule *Rule, word string) (line, column int) {
	at := strings.Index(rule.Text, word)
	if word == "" || at < 0 {
		return rule.Line, rule.Column
	}
	before := rule.Text[:at]
	if last := strings.LastIndexByte(before, '\n'); last >= 0 {
		return rule.Line + strings.Count(before, "\n"), at - last
	}
	return rule.Line, rule.Column + at
}
