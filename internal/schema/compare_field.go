package schema

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// compareField compares two fields with the same number in the same message, or two such extensions.
func (c *comparison) compareField(before, after protoreflect.FieldDescriptor) {
	c.compareFieldNames(before, after)
	c.compareCardinality(before, after)
	c.compareType(before, after)
	c.compareDefault(before, after)
	if was, is := oneofName(before), oneofName(after); was != is {
		c.breaking("FIELD_SAME_ONEOF", before.FullName(), "moved from %s to %s", oneofText(was), oneofText(is))
	}
}

func (c *comparison) compareFieldNames(before, after protoreflect.FieldDescriptor) {
	if fieldName(before) != fieldName(after) {
		c.breaking("FIELD_SAME_NAME", before.FullName(), "is now named %s (number %d)", fieldName(after), after.Number())
	}
	if was, is := before.JSONName(), after.JSONName(); was != is && !before.IsExtension() {
		c.breaking("FIELD_SAME_JSON_NAME", before.FullName(), "is now named %q in JSON, not %q", is, was)
	}
}

// fieldName is the name by which JSON knows a field: extensions go by their full name.
func fieldName(field protoreflect.FieldDescriptor) string {
	if field.IsExtension() {
		return string(field.FullName())
	}
	return string(field.Name())
}

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

func (c *comparison) compareType(before, after protoreflect.FieldDescriptor) {
	if family(before.Kind()) != family(after.Kind()) || !c.sameNamedType(before, after) {
		c.breaking("FIELD_WIRE_JSON_COMPATIBLE_TYPE", before.FullName(), "changed its type from %s to %s",
			typeText(before), typeText(after))
	}
}

// family is the smallest of the kinds that have the same binary and the same JSON form.
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

// sameEnum lets an enum move to another package, and grow on the way.
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

func typeText(field protoreflect.FieldDescriptor) string {
	if name := typeName(field); name != "-" {
		return name
	}
	return field.Kind().String()
}

func oneofText(name string) string {
	if name == "" {
		return "outside any oneof"
	}
	return "oneof " + name
}
