package schema

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// ExtensionsOf are the fields that extend a message, in the order of their numbers.
func (s *Set) ExtensionsOf(message protoreflect.FullName) []protoreflect.ExtensionDescriptor {
	var found []protoreflect.ExtensionDescriptor
	s.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for _, extension := range extensionsIn(file) {
			if extension.ContainingMessage().FullName() == message {
				found = append(found, extension)
			}
		}
		return true
	})
	slices.SortFunc(found, func(a, b protoreflect.ExtensionDescriptor) int { return int(a.Number()) - int(b.Number()) })
	return found
}

// extensionsIn are the extensions that a file or a message declares, those within messages included.
func extensionsIn(parent interface {
	Extensions() protoreflect.ExtensionDescriptors
	Messages() protoreflect.MessageDescriptors
},
) (all []protoreflect.ExtensionDescriptor) {
	for i := range parent.Extensions().Len() {
		all = append(all, parent.Extensions().Get(i))
	}
	for i := range parent.Messages().Len() {
		all = append(all, extensionsIn(parent.Messages().Get(i))...)
	}
	return all
}
