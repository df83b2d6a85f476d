package schema

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// compareField compares two fields with the same number in the same message, or two such extensions. Every rule is applied,
// also after one that is broken: who has to repair a schema wants to know it all at once.
func (c *comparison) compareField(before, after protoreflect.FieldDescriptor) {
	c.compareFieldNames(before, after)
	c.compareCardinality(before, after)
	c.compareType(before, after)
	c.compareDefault(before, after)
	if was, is := oneofName(before), oneofName(after); was != is {
		c.breaking("FIELD_SAME_ONEOF", before.FullName(), "moved from %s to %s", oneofText(was), oneofText(is))
	}
}

// compareFieldNames protects readers of JSON, which has names where binary has numbers. An extension has no JSON name of its
// own: it is written as its full name in brackets.
func (c *comparison) compareFieldNames(before, after protoreflect.FieldDescriptor) {
	if fieldName(before) != fieldName(after) {
		c.breaking("FIELD_SAME_NAME", before.FullName(), "is now named %s (number %d)", fieldName(after), after.Number())
	}
	if was, is := before.JSONName(), after.JSONName(); was != is && !before.IsExtension() {
		c.breaking("FIELD_SAME_JSON_NAME", before.FullName(), "is now named %q in JSON, not %q", is, was)
	}
}

// compareCardinality protects readers that expect one value from many, in binary and in JSON. The fields of a map entry are
// generated: what the map field itself became is told there. Required is a cardinality and a promise: a message that lacks
// such a field is no message at all to who requires it.
func (c *comparison) compareCardinality(before, after protoreflect.FieldDescriptor) {
	was, is := cardinality(before), cardinality(after)
	if was == is || before.ContainingMessage().IsMapEntry() && after.ContainingMessage().IsMapEntry() {
		return
	}
	c.breaking("FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY", before.FullName(), "was %s and is %s", was, is)
	if was == "required" || is == "required" {
		c.breaking("MESSAGE_SAME_REQUIRED_FIELDS", before.FullName(), "was %s and is %s", was, is)
	}
}

// cardinality leaves out whether a singular field knows that it is unset: either way reads what the other one writes.
func cardinality(field protoreflect.FieldDescriptor) string {
	switch {
	case field.IsMap():
		return "a map"
	case field.IsList():
		return "repeated"
	case field.Cardinality() == protoreflect.Required:
		return "required"
	default:
		return "singular"
	}
}

// compareType allows what reads the same bytes and the same JSON: signed and unsigned of a width, and an enum that moved.
// It is stricter than the wire alone, on which int32 and bool are one.
func (c *comparison) compareType(before, after protoreflect.FieldDescriptor) {
	if family(before.Kind()) != family(after.Kind()) || !c.sameNamedType(before, after) {
		c.breaking("FIELD_WIRE_JSON_COMPATIBLE_TYPE", before.FullName(), "changed its type from %s to %s",
			typeText(before), typeText(after))
	}
}

// family is the smallest of the kinds that have the same binary and the same JSON form. Values that the other kind cannot hold
// are not thought of: that -1 is a large number to who reads it unsigned is the author's to know.
func family(kind protoreflect.Kind) protoreflect.Kind {
	switch kind {
	case protoreflect.Uint32Kind:
		return protoreflect.Int32Kind
	case protoreflect.Uint64Kind:
		return protoreflect.Int64Kind
	case protoreflect.Fixed32Kind:
		return protoreflect.Sfixed32Kind
	case protoreflect.Fixed64Kind:
		return protoreflect.Sfixed64Kind
	default:
		return kind
	}
}

// sameNamedType goes by names for messages: what they hold is compared where they are. That of an enum may be another one
// that has all of its values. In a skew either side may be the one that has more.
func (c *comparison) sameNamedType(before, after protoreflect.FieldDescriptor) bool {
	switch {
	case before.Message() != nil && after.Message() != nil:
		return before.Message().FullName() == after.Message().FullName()
	case before.Enum() != nil && after.Enum() != nil:
		return sameEnum(before.Enum(), after.Enum()) || c.skew && sameEnum(after.Enum(), before.Enum())
	default:
		return true
	}
}

// sameEnum lets an enum move to another package, and grow on the way. Its short name stays, and so do the values with their
// names and numbers, which is all that either form of a message has of it.
func sameEnum(before, after protoreflect.EnumDescriptor) bool {
	if before.FullName() == after.FullName() {
		return true
	}
	if before.Name() != after.Name() {
		return false
	}
	for value := range elements(before.Values()) {
		moved := after.Values().ByName(value.Name())
		if moved == nil || moved.Number() != value.Number() {
			return false
		}
	}
	return true
}
