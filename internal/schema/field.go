package schema

import "google.golang.org/protobuf/reflect/protoreflect"

// fieldName is the name by which JSON knows a field: extensions go by their full name.
func fieldName(field protoreflect.FieldDescriptor) string {
	if field.IsExtension() {
		return string(field.FullName())
	}
	return string(field.Name())
}

// typeName is the full name of the message or enum a field holds, or "-".
func typeName(field protoreflect.FieldDescriptor) string {
	switch {
	case field.Message() != nil:
		return string(field.Message().FullName())
	case field.Enum() != nil:
		return string(field.Enum().FullName())
	default:
		return "-"
	}
}

// oneofName is the name of the oneof that the author of the schema wrote, or "".
func oneofName(field protoreflect.FieldDescriptor) string {
	if oneof := field.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		return string(oneof.Name())
	}
	return ""
}

// typeText names the type of a field for people: that of a message or an enum by its full name, others by their kind.
func typeText(field protoreflect.FieldDescriptor) string {
	if name := typeName(field); name != "-" {
		return name
	}
	return field.Kind().String()
}

// oneofText says for people where a field is; "" is the oneof of a field that has none.
func oneofText(name string) string {
	if name == "" {
		return "outside any oneof"
	}
	return "oneof " + name
}
