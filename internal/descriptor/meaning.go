package descriptor

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// The bytes of a descriptor are no measure of it: a custom option is a message of its own, which whoever does not know
// it keeps as it came, and every compiler writes its fields in an order of its own. So descriptors are compared with
// their options understood, and hashed as one form of all that mean the same.

// SameMeaning reports whether two messages of a descriptor, such as two files, say the same. types has the options.
func SameMeaning(a, b proto.Message, types Resolver) bool {
	if proto.Equal(a, b) {
		return true
	}
	one, errOne := understood(a, types)
	other, errOther := understood(b, types)
	return errOne == nil && errOther == nil && proto.Equal(one, other)
}

// SameFile reports whether two files differ in comments at most. Each may have its options from other builds: those are read
// by the types of the first.
func SameFile(a, b protoreflect.FileDescriptor) bool {
	if a == b {
		return true
	}
	one, other := protodesc.ToFileDescriptorProto(a), protodesc.ToFileDescriptorProto(b)
	one.SourceCodeInfo, other.SourceCodeInfo = nil, nil
	return SameMeaning(one, other, NewTypes(a))
}

// Canonical encodes a file so that all which mean the same have the same bytes. types has its options.
func Canonical(file *descriptorpb.FileDescriptorProto, types Resolver) ([]byte, error) {
	known, err := understood(file, types)
	if err != nil {
		return nil, err
	}
	orderUnknown(known.ProtoReflect())
	return encode(known)
}

// understood is a copy of a message in which all the fields are known that types has. It goes by way of the bytes, since what
// was unknown when a message was decoded stays unknown.
func understood(message proto.Message, types Resolver) (proto.Message, error) {
	data, err := encode(message)
	if err != nil {
		return nil, err
	}
	known := message.ProtoReflect().New().Interface()
	err = proto.UnmarshalOptions{Resolver: types, AllowPartial: true}.Unmarshal(data, known)
	return known, err
}

// encode lets messages pass that lack required fields: options of others may, and their meaning is compared all the same.
func encode(message proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(message)
}

// orderUnknown sorts the fields that nobody knows, here and below, by their numbers.
func orderUnknown(message protoreflect.Message) {
	if unknown := message.GetUnknown(); len(unknown) > 0 {
		message.SetUnknown(ordered(unknown))
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		EachMessage(field, value, orderUnknown)
		return true
	})
}

// EachMessage calls what for the messages in the value of a field.
func EachMessage(field protoreflect.FieldDescriptor, value protoreflect.Value, what func(protoreflect.Message)) {
	switch {
	case field.IsMap():
		if field.MapValue().Message() == nil {
			return
		}
		value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
			what(v.Message())
			return true
		})
	case field.Message() == nil:
	case field.IsList():
		for i := range value.List().Len() {
			what(value.List().Get(i).Message())
		}
	default:
		what(value.Message())
	}
}

// ordered sorts encoded fields by number; those of one number stay in their order, which may be one of meaning.
func ordered(unknown protoreflect.RawFields) protoreflect.RawFields {
	type field struct {
		number protowire.Number
		data   []byte
	}
	var fields []field
	for rest := unknown; len(rest) > 0; {
		number, _, size := protowire.ConsumeField(rest)
		if size < 0 {
			return unknown // what was decoded is well formed
		}
		fields = append(fields, field{number, rest[:size]})
		rest = rest[size:]
	}
	slices.SortStableFunc(fields, func(a, b field) int { return int(a.number) - int(b.number) })
	var sorted protoreflect.RawFields
	for _, f := range fields {
		sorted = append(sorted, f.data...)
	}
	return sorted
}
