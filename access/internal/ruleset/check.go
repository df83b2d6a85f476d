package ruleset

import (
	"cmp"
	"errors"
	"regexp"
	"slices"

	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// checkSchema refuses what can never apply or always fails: unknown types, actions and attributes, and errors of types.
func (r *reader) checkSchema(rule *Rule, policy *ast.Policy) {
	err := r.checker.Policy("", policy)
	if err == nil {
		return
	}
	told := make(map[string]bool) // by the word that is at fault: each type of a resource has its own message for one
	for _, message := range messages(err) {
		word := cmp.Or(wordOf(message), message)
		if told[word] || len(told) > 0 && message == inapplicable {
			continue
		}
		told[word] = true
		r.refuseAt(rule, wordOf(message), message, r.checker.hint(message))
	}
}

// messages are those of the validator, each without the type or action for which it was found, since it is found for one after
// the other; in an order that is the same each time, and the one that follows from others last.
func messages(err error) []string {
	var all []string
	for _, found := range flatten(err) {
		all = append(all, missing.ReplaceAllString(found.Error(), "attribute `$1` not found"))
	}
	slices.Sort(all)
	if at := slices.Index(all, inapplicable); at >= 0 {
		all = append(slices.Delete(all, at, at+1), inapplicable)
	}
	return all
}

var missing = regexp.MustCompile("^attribute `([^`]+)` .*not found$")

// flatten takes joined errors apart.
func flatten(err error) []error {
	joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err)
	if !ok {
		return []error{err}
	}
	var all []error
	for _, part := range joined.Unwrap() {
		all = append(all, flatten(part)...)
	}
	return all
}

// quoted is how the validator writes what a message is about.
var quoted = regexp.MustCompile("`([^`]+)`")

// wordOf is what a message of the validator is about, as it stands in the policy.
func wordOf(message string) string {
	found := quoted.FindStringSubmatch(message)
	if found == nil {
		return ""
	}
	return found[1]
}
