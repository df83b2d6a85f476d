package schema

import (
	"fmt"
	"strings"
)

// Change is one element that two versions of a schema have different.
type Change struct {
	// Rule is the name of the broken rule, as `buf breaking` spells it; "" for what is compatible.
	Rule string
	// Element is the full name of the message, field, enum, service or method, or the path of the file.
	Element string
	// Message says for people what was changed; "" that it differs, of [Skew].
	Message string
}

// Breaking reports a change after which programs of the old and of the new version misunderstand each other, in binary
// or in JSON.
func (c Change) Breaking() bool { return c.Rule != "" }

// String is one line: element, what happened to it and, if it breaks something, the rule.
func (c Change) String() string {
	if c.Breaking() {
		return fmt.Sprintf("%s %s (%s)", c.Element, c.Message, c.Rule)
	}
	return strings.TrimSuffix(c.Element+" "+c.Message, " ")
}
