package schematest

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Reorder is a file that says the same in other bytes: the fields of its custom options, at every depth, come in the
// opposite order. file is one that [Compile] made.
// Two compilers may well write the same file so differently; a fingerprint or a hash that is meant for its content must not
// notice.
func Reorder(t testing.TB, file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	t.Helper()
	other := proto.CloneOf(file)
	reorderOptions(t, other.ProtoReflect())
	return other
}

// reorderOptions makes bytes of the extensions of a message and of those below it.
// They become unknown fields, which are written as they are, where fields that are known would be sorted again.
func reorderOptions(t testing.TB, message protoreflect.Message) {
	t.Helper()
	var extensions []protoreflect.FieldDescriptor
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsExtension():
			extensions = append(extensions, field)
		case field.IsList() && field.Message() != nil:
			for i := range value.List().Len() {
				reorderOptions(t, value.List().Get(i).Message())
			}
		case field.Message() != nil && !field.IsMap():
			reorderOptions(t, value.Message())
		}
		return true
	})
	var unknown protoreflect.RawFields
	for _, field := range extensions {
		unknown = appendBackwards(t, unknown, field, message.Get(field))
		message.Clear(field)
	}
	message.SetUnknown(append(message.GetUnknown(), unknown...))
}

// backwards encodes a message with its last field first.
// Parsers must take fields in any order, so this is the same message.
func backwards(t testing.TB, message protoreflect.Message) (data []byte) {
	t.Helper()
	var fields []protoreflect.FieldDescriptor
	message.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		fields = append(fields, field)
		return true
	})
	slices.SortFunc(fields, func(a, b protoreflect.FieldDescriptor) int { return int(b.Number()) - int(a.Number()) })
	for _, field := range fields {
		data = appendBackwards(t, data, field, message.Get(field))
	}
	return data
}

// appendBackwards appends one field, with what is nested in it backwards too. Maps and scalars have one encoding each, as
// far as a test can ask for another.
func appendBackwards(t testing.TB, data []byte, field protoreflect.FieldDescriptor, value protoreflect.Value) []byte {
	t.Helper()
	// A message is length and bytes, whichever list it is in; groups are not made here.
	one := func(message protoreflect.Message) {
		data = protowire.AppendTag(data, field.Number(), protowire.BytesType)
		data = protowire.AppendBytes(data, backwards(t, message))
	}
	switch {
	case field.Kind() == protoreflect.MessageKind && field.IsList():
		for i := range value.List().Len() {
			one(value.List().Get(i).Message())
		}
		return data
	case field.Message() != nil && !field.IsMap():
		one(value.Message())
		return data
	}
	// Anything else is encoded alone, in a message that has nothing but it.
	holder := dynamicpb.NewMessage(field.ContainingMessage())
	holder.Set(field, value)
	encoded, err := proto.MarshalOptions{AllowPartial: true}.Marshal(holder.Interface())
	if err != nil {
		t.Fatal(err)
	}
	return append(data, encoded...)
}
