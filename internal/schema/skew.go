package schema

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Skew lists what two builds of one method, both in use, have different, ordered by element. [Change.Breaking] are those
// that they misunderstand. Neither needs to be the older one, so what only one of them has is no misunderstanding, except
// a required field: such a change is the element alone, without a Message. What later versions must keep does not count.
// Methods with the same [Fingerprint] have no skew.
func Skew(ours, theirs protoreflect.MethodDescriptor) []Change {
	c := &comparison{before: indexMethod(ours), after: indexMethod(theirs), skew: true}
	c.compareMethod(ours, theirs)
	c.compareMessages()
	c.compareEnums()
	c.changes = slices.DeleteFunc(c.changes, func(change Change) bool {
		return !misleading(change.Rule) && !lacking(change.Rule)
	})
	for i, change := range c.changes {
		if lacking(change.Rule) {
			c.changes[i] = Change{Element: change.Element}
		}
	}
	return c.sorted()
}

// lacking reports a rule about what only one side has. Between builds that are both in use that is no fault of either: one
// of them is simply older, and which one nobody knows.
func lacking(rule string) bool {
	return rule == "" || strings.Contains(rule, "_NO_DELETE_UNLESS_")
}

// misleading reports a rule about what both sides have and understand differently. The rules that are neither lacking nor
// misleading, as those on reservations, bind authors and mean nothing to programs that run.
func misleading(rule string) bool {
	switch rule {
	case "RPC_SAME_REQUEST_TYPE", "RPC_SAME_RESPONSE_TYPE", "RPC_SAME_CLIENT_STREAMING", "RPC_SAME_SERVER_STREAMING",
		"FIELD_SAME_NAME", "FIELD_SAME_JSON_NAME", "FIELD_SAME_ONEOF", "FIELD_SAME_DEFAULT",
		"FIELD_WIRE_JSON_COMPATIBLE_TYPE", "FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY",
		"MESSAGE_SAME_REQUIRED_FIELDS", "ENUM_VALUE_SAME_NAME":
		return true
	default:
		return false
	}
}
