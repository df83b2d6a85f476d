package descriptor

import (
	"errors"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Resolver finds the types of an Any and of extensions, as proto, protojson and prototext ask for them.
type Resolver interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// NewTypes are the types that some files and all they import declare, as dynamic types. Of two files with one path or
// one name, the first one that is met counts.
func NewTypes(roots ...protoreflect.FileDescriptor) *dynamicpb.Types {
	files := new(protoregistry.Files)
	for _, file := range Closure(roots...) {
		_ = files.RegisterFile(file) // what contradicts those before it is left out
	}
	return dynamicpb.NewTypes(files)
}

// Chain asks one resolver after the other, until one has the type or fails otherwise than by protoregistry.NotFound. An
// empty chain finds nothing.
type Chain []Resolver

// FindMessageByName finds a message.
func (c Chain) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	return firstOf(c, func(r Resolver) (protoreflect.MessageType, error) { return r.FindMessageByName(name) })
}

// FindMessageByURL finds the message of an Any.
func (c Chain) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return firstOf(c, func(r Resolver) (protoreflect.MessageType, error) { return r.FindMessageByURL(url) })
}

// FindExtensionByName finds an extension by the full name of its field.
func (c Chain) FindExtensionByName(field protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return firstOf(c, func(r Resolver) (protoreflect.ExtensionType, error) { return r.FindExtensionByName(field) })
}

// FindExtensionByNumber finds an extension by what it extends and the number of its field.
func (c Chain) FindExtensionByNumber(
	message protoreflect.FullName, field protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	return firstOf(c, func(r Resolver) (protoreflect.ExtensionType, error) { return r.FindExtensionByNumber(message, field) })
}

// firstOf is a Chain at work, for messages and extensions alike.
func firstOf[T any](chain Chain, find func(Resolver) (T, error)) (found T, err error) {
	err = protoregistry.NotFound
	for _, resolver := range chain {
		if found, err = find(resolver); !errors.Is(err, protoregistry.NotFound) {
			return found, err
		}
	}
	return found, err
}
