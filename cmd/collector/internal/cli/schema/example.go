package schema

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// exampleDepth is how deep an example is filled in; types may contain themselves.
const exampleDepth = 4

// Example is a message with every field set, so that its JSON shows their names and kinds. Of a oneof it sets the
// first field.
func Example(kind protoreflect.MessageDescriptor) proto.Message { return filled(kind, exampleDepth) }

func filled(kind protoreflect.MessageDescriptor, depth int) *dynamicpb.Message {
	message := dynamicpb.NewMessage(kind)
	if opaque(kind) {
		return message
	}
	for i := range kind.Fields().Len() {
		field := kind.Fields().Get(i)
		if oneof := field.ContainingOneof(); oneof != nil && oneof.Fields().Get(0) != field {
			continue
		}
		if field.Message() != nil && depth == 0 {
			continue
		}
		setExample(message, field, depth)
	}
	return message
}

// opaque tells messages whose JSON is not their fields, and for which any filling would be wrong.
func opaque(kind protoreflect.MessageDescriptor) bool {
	switch kind.FullName() {
	case "google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue",
		"google.protobuf.FieldMask", "google.protobuf.Timestamp", "google.protobuf.Duration":
		return true
	}
	return false
}

func setExample(message *dynamicpb.Message, field protoreflect.FieldDescriptor, depth int) {
	switch {
	case field.IsMap():
		if value, ok := exampleValue(field.MapValue(), depth); ok {
			key, _ := exampleValue(field.MapKey(), depth)
			message.Mutable(field).Map().Set(key.MapKey(), value)
		}
	case field.IsList():
		if value, ok := exampleValue(field, depth); ok {
			message.Mutable(field).List().Append(value)
		}
	default:
		if value, ok := exampleValue(field, depth); ok {
			message.Set(field, value)
		}
	}
}

// exampleValue is a value of a field; none for a Value, whose empty form has no JSON.
func exampleValue(field protoreflect.FieldDescriptor, depth int) (protoreflect.Value, bool) {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if field.Message().FullName() == "google.protobuf.Value" {
			return protoreflect.Value{}, false
		}
		return protoreflect.ValueOfMessage(filled(field.Message(), depth-1)), true
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("text"), true
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("bytes")), true
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true), true
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(values.Len() - 1).Number()), true
	}
	return exampleNumber(field.Kind()), true
}

func exampleNumber(kind protoreflect.Kind) protoreflect.Value {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(1)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(1)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(1)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(1)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(1)
	}
	return protoreflect.ValueOfInt64(1)
}
