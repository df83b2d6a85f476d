package schema

import "google.golang.org/protobuf/reflect/protoreflect"

// index is every element of one version of a schema, nested ones included.
type index struct {
	files      map[string]protoreflect.FileDescriptor
	messages   map[protoreflect.FullName]protoreflect.MessageDescriptor
	enums      map[protoreflect.FullName]protoreflect.EnumDescriptor
	services   map[protoreflect.FullName]protoreflect.ServiceDescriptor
	extensions map[extensionKey]protoreflect.FieldDescriptor
}

// extensionKey is what identifies an extension in binary.
type extensionKey struct {
	extended protoreflect.FullName
	number   protoreflect.FieldNumber
}

func newIndex() index {
	return index{
		files:      make(map[string]protoreflect.FileDescriptor),
		messages:   make(map[protoreflect.FullName]protoreflect.MessageDescriptor),
		enums:      make(map[protoreflect.FullName]protoreflect.EnumDescriptor),
		services:   make(map[protoreflect.FullName]protoreflect.ServiceDescriptor),
		extensions: make(map[extensionKey]protoreflect.FieldDescriptor),
	}
}

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

func indexService(service protoreflect.ServiceDescriptor) index {
	x := newIndex()
	x.services[service.FullName()] = service
	for method := range elements(service.Methods()) {
		x.addReachable(method.Input())
		x.addReachable(method.Output())
	}
	return x
}

// addReachable adds a message and all the types that its fields reach.
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
