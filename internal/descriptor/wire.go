package descriptor

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// maxNesting is how deeply the messages of a descriptor may nest.
const maxNesting = 100

// PathOf is the path of an encoded file, of which the first bytes are enough; quoted if it is none, and empty if there is
// none.
func PathOf(encoded []byte) string {
	for len(encoded) > 0 {
		number, kind, size := protowire.ConsumeTag(encoded)
		if size < 0 {
			return ""
		}
		if path, _ := protowire.ConsumeBytes(encoded[size:]); number == 1 && kind == protowire.BytesType && path != nil {
			if validPath(string(path)) {
				return string(path)
			}
			return fmt.Sprintf("%.100q", path)
		}
		value := protowire.ConsumeFieldValue(number, kind, encoded[size:])
		if value < 0 {
			return ""
		}
		encoded = encoded[size+value:]
	}
	return ""
}

// Open decodes a file of strangers and says everything that is wrong with it by itself, the cheapest checks first: what
// is too large is not decoded. Comments that are too large are left out.
func Open(encoded []byte, limits Limits) (*descriptorpb.FileDescriptorProto, error) {
	declared, comments, err := split(encoded)
	if err != nil {
		return nil, err
	}
	if len(declared) > limits.FileBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are taken", ErrTooLarge, len(declared), limits.FileBytes)
	}
	most := messagesPerField * limits.Fields
	kind := new(descriptorpb.FileDescriptorProto).ProtoReflect().Descriptor()
	if countMessages(declared, kind, most, maxNesting) > most {
		return nil, fmt.Errorf("%w: more than %d fields, enum values and other declarations", ErrTooLarge, limits.Fields)
	}
	if len(comments) <= MaxComments && countMessages(comments, kind, most, maxNesting) <= most {
		declared = append(declared, comments...)
	}
	file := new(descriptorpb.FileDescriptorProto)
	if err := (proto.UnmarshalOptions{RecursionLimit: maxNesting}).Unmarshal(declared, file); err != nil {
		return nil, fmt.Errorf("%w: it is no FileDescriptorProto: %w", ErrMalformed, err)
	}
	file, _ = legible(file, limits)
	return file, Inspect(file, limits)
}

// split takes the comments out of an encoded file, as fields of one. Both parts together are the file again: the order of
// fields has no meaning.
func split(encoded []byte) (declared, comments []byte, err error) {
	for len(encoded) > 0 {
		number, _, size := protowire.ConsumeField(encoded)
		if size < 0 {
			return nil, nil, fmt.Errorf("%w: it is no FileDescriptorProto: %w", ErrMalformed, protowire.ParseError(size))
		}
		if number == sourceCodeInfo {
			comments = append(comments, encoded[:size]...)
		} else {
			declared = append(declared, encoded[:size]...)
		}
		encoded = encoded[size:]
	}
	return declared, comments, nil
}

// countMessages counts the messages within an encoded message, at most one more than most. What is malformed is not
// counted: decoding tells. A message of two bytes takes a hundred times as much memory when it is decoded, so counting comes
// first; it allocates nothing.
func countMessages(encoded []byte, kind protoreflect.MessageDescriptor, most, depth int) (count int) {
	for len(encoded) > 0 && count <= most && depth > 0 {
		number, wire, size := protowire.ConsumeField(encoded)
		if size < 0 {
			return count
		}
		if field := kind.Fields().ByNumber(number); field != nil && field.Message() != nil && wire == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(encoded)
			value, _ := protowire.ConsumeBytes(encoded[tag:])
			count += 1 + countMessages(value, field.Message(), most-count, depth-1)
		}
		encoded = encoded[size:]
	}
	return count
}
