package schema

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Skew lists what two builds of one method, both in use, misunderstand about each other, ordered by element; nothing if
// they can call each other. Neither needs to be the older one, so what only one of them has is no misunderstanding,
// except a required field. Methods with the same [Fingerprint] have no skew.
func Skew(ours, theirs protoreflect.MethodDescriptor) []Change {
	c := &comparison{before: indexMethod(ours), after: indexMethod(theirs), skew: true}
	c.compareMethod(ours, theirs)
	c.compareMessages()
	c.compareEnums()
	return slices.DeleteFunc(c.sorted(), func(change Change) bool { return !misleading(change.Rule) })
}

// misleading reports a rule about what both sides have; the others are about what later versions must keep.
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

func indexMethod(method protoreflect.MethodDescriptor) index {
	x := newIndex()
	x.addReachable(method.Input())
	x.addReachable(method.Output())
	return x
}
