package schema

import "google.golang.org/protobuf/reflect/protoreflect"

// index is every element of one version of a schema, nested ones included. Full names are the keys, not files: an element
// that moved to another file of its package is the same to everybody.
type index struct {
	files      map[string]protoreflect.FileDescriptor                   // by path; empty where only a service or a method is compared
	messages   map[protoreflect.FullName]protoreflect.MessageDescriptor // map entries too
	enums      map[protoreflect.FullName]protoreflect.EnumDescriptor
	services   map[protoreflect.FullName]protoreflect.ServiceDescriptor
	extensions map[extensionKey]protoreflect.FieldDescriptor
}

// extensionKey is what identifies an extension in binary. In JSON that is its full name, which a rule on names compares.
type extensionKey struct {
	extended protoreflect.FullName
	number   protoreflect.FieldNumber
}

// newIndex is an index of nothing, to be filled before it is shared.
func newIndex() index {
	return index{
		files:      make(map[string]protoreflect.FileDescriptor),
		messages:   make(map[protoreflect.FullName]protoreflect.MessageDescriptor),
		enums:      make(map[protoreflect.FullName]protoreflect.EnumDescriptor),
		services:   make(map[protoreflect.FullName]protoreflect.ServiceDescriptor),
		extensions: make(map[extensionKey]protoreflect.FieldDescriptor),
	}
}

// indexFiles is all that some files declare. What they import is in it only if it is among them.
func indexFiles(files []protoreflect.FileDescriptor) index {
	x := newIndex()
	for _, file := range files {
		x.files[file.Path()] = file
		x.addDeclarations(file)
		for service := range elements(file.Services()) {
			x.services[service.FullName()] = service
		}
	}
	return x
}

// addDeclarations adds what a file or a message declares.
func (x index) addDeclarations(parent interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}) {
	for enum := range elements(parent.Enums()) {
		x.enums[enum.FullName()] = enum
	}
	for extension := range elements(parent.Extensions()) {
		x.extensions[extensionKey{extension.ContainingMessage().FullName(), extension.Number()}] = extension
	}
	for message := range elements(parent.Messages()) {
		x.messages[message.FullName()] = message
		x.addDeclarations(message)
	}
}

// indexService is one service with what its messages reach, in whatever files that is. Its methods come with it.
func indexService(service protoreflect.ServiceDescriptor) index {
	x := newIndex()
	x.services[service.FullName()] = service
	for method := range elements(service.Methods()) {
		x.addReachable(method.Input())
		x.addReachable(method.Output())
	}
	return x
}

// indexMethod is what the messages of one method reach, and no service: it may stand beside methods that others changed.
func indexMethod(method protoreflect.MethodDescriptor) index {
	x := newIndex()
	x.addReachable(method.Input())
	x.addReachable(method.Output())
	return x
}

// addReachable adds a message and all the types that its fields reach. Types may hold themselves: those that are there are
// not followed again, which also bounds the depth of the recursion by the number of messages.
func (x index) addReachable(message protoreflect.MessageDescriptor) {
	if _, seen := x.messages[message.FullName()]; seen {
		return
	}
	x.messages[message.FullName()] = message
	for field := range elements(message.Fields()) {
		if enum := field.Enum(); enum != nil {
			x.enums[enum.FullName()] = enum
		}
		if child := field.Message(); child != nil {
			x.addReachable(child)
		}
	}
}
