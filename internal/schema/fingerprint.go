package schema

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Fingerprint hashes the shape of a method and of every message and enum it can reach. It depends on nothing else, so
// it is the same in every build, process and release, and never 0. Fields that extend a message do not count.
func Fingerprint(method protoreflect.MethodDescriptor) uint64 {
	types := indexMethod(method)
	shape := appendMethod(nil, method)
	for _, name := range slices.Sorted(maps.Keys(types.messages)) {
		shape = appendMessage(shape, types.messages[name])
	}
	for _, name := range slices.Sorted(maps.Keys(types.enums)) {
		shape = appendEnum(shape, types.enums[name])
	}
	sum := sha256.Sum256(shape)
	return max(1, binary.BigEndian.Uint64(sum[:]))
}

// The shape is text, one line an element, so that no two shapes have the same bytes: names cannot hold a space, and
// what can hold one is quoted. Collectors tell each other fingerprints, of this release and of others: whoever changes a byte
// of the shape makes all methods of old and new releases look different, which costs a comparison of the schemas each.

// appendMethod writes the names that a call is made by. The idempotency level is left out: nothing is misread by it.
func appendMethod(b []byte, method protoreflect.MethodDescriptor) []byte {
	b = appendWords(b, "method", string(method.FullName()), string(method.Input().FullName()), string(method.Output().FullName()))
	b = strconv.AppendBool(append(b, ' '), method.IsStreamingClient())
	b = strconv.AppendBool(append(b, ' '), method.IsStreamingServer())
	return append(b, '\n')
}

// appendMessage goes by number, not by the order in the file, which has no meaning.
func appendMessage(b []byte, message protoreflect.MessageDescriptor) []byte {
	b = append(appendWords(b, "message", string(message.FullName())), '\n')
	byNumber := func(a, b protoreflect.FieldDescriptor) int { return cmp.Compare(a.Number(), b.Number()) }
	for _, field := range slices.SortedFunc(elements(message.Fields()), byNumber) {
		b = appendField(b, field)
	}
	return b
}

// appendField writes what one reader of the field would understand differently from another. Presence is in it, although
// binary is the same either way: a handler sees whether a field was set.
func appendField(b []byte, field protoreflect.FieldDescriptor) []byte {
	b = strconv.AppendInt(append(b, "field "...), int64(field.Number()), 10)
	b = appendWords(append(b, ' '), string(field.Name()), field.Kind().String(), field.Cardinality().String(), typeName(field))
	b = strconv.AppendQuote(append(b, ' '), field.JSONName())
	b = strconv.AppendQuote(append(b, ' '), oneofName(field))
	b = strconv.AppendBool(append(b, ' '), field.HasPresence())
	b = strconv.AppendQuote(append(b, ' '), defaultText(field))
	return append(b, '\n')
}

// appendEnum goes by number and name: aliases share a number.
func appendEnum(b []byte, enum protoreflect.EnumDescriptor) []byte {
	b = append(appendWords(b, "enum", string(enum.FullName())), '\n')
	byNumber := func(a, b protoreflect.EnumValueDescriptor) int {
		return cmp.Or(cmp.Compare(a.Number(), b.Number()), cmp.Compare(a.Name(), b.Name()))
	}
	for _, value := range slices.SortedFunc(elements(enum.Values()), byNumber) {
		b = strconv.AppendInt(append(b, "value "...), int64(value.Number()), 10)
		b = append(appendWords(append(b, ' '), string(value.Name())), '\n')
	}
	return b
}

// appendWords writes words with a space between each two.
func appendWords(b []byte, words ...string) []byte {
	for i, word := range words {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, word...)
	}
	return b
}

// defaultText is the default that the schema gives explicitly, or "".
func defaultText(field protoreflect.FieldDescriptor) string {
	if !field.HasDefault() {
		return ""
	}
	if value := field.DefaultEnumValue(); value != nil {
		return string(value.Name())
	}
	return field.Default().String()
}
