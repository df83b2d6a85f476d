package descriptor

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// WithExtensions is some files with all they import, as [Closure] has them, and then the files that are linked into this
// program and extend a message of theirs, which nothing imports. What extends protobuf itself, such as its options, is
// left out. Messages that are not linked in have no such files.
func WithExtensions(roots ...protoreflect.FileDescriptor) []protoreflect.FileDescriptor {
	for {
		list := Closure(roots...)
		extending := extendingFiles(list)
		if len(extending) == 0 {
			return list
		}
		roots = append(slices.Clone(roots), extending...)
	}
}

// extendingFiles are the files, in the order of their paths, that extend messages of others and are not among them.
func extendingFiles(files []protoreflect.FileDescriptor) []protoreflect.FileDescriptor {
	found := make(map[string]protoreflect.FileDescriptor)
	for _, file := range files {
		if !WellKnown(file.Path()) {
			addExtending(found, file.Messages())
		}
	}
	for _, file := range files {
		delete(found, file.Path())
	}
	return slices.SortedFunc(maps.Values(found), func(a, b protoreflect.FileDescriptor) int {
		return strings.Compare(a.Path(), b.Path())
	})
}

// addExtending finds the extensions of messages, nested ones included, in what is linked in. Another program's message of that
// name is another message: its extensions would not fit.
func addExtending(found map[string]protoreflect.FileDescriptor, messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		message := messages.Get(i)
		addExtending(found, message.Messages())
		if message.ExtensionRanges().Len() == 0 {
			continue
		}
		protoregistry.GlobalTypes.RangeExtensionsByMessage(message.FullName(), func(extension protoreflect.ExtensionType) bool {
			if field := extension.TypeDescriptor(); field.ContainingMessage() == message {
				found[field.ParentFile().Path()] = field.ParentFile()
			}
			return true
		})
	}
}

// Extends reports whether a file extends a message that others declare; known finds those.
func Extends(file protoreflect.FileDescriptor, known func(protoreflect.FullName) bool) bool {
	found := false
	eachExtension(file, func(extension protoreflect.ExtensionDescriptor) {
		found = found || known(extension.ContainingMessage().FullName())
	})
	return found
}

// eachExtension goes through the extensions that a file or a message declares, those within messages included.
func eachExtension(parent interface {
	Extensions() protoreflect.ExtensionDescriptors
	Messages() protoreflect.MessageDescriptors
}, what func(protoreflect.ExtensionDescriptor),
) {
	for i := range parent.Extensions().Len() {
		what(parent.Extensions().Get(i))
	}
	for i := range parent.Messages().Len() {
		eachExtension(parent.Messages().Get(i), what)
	}
}

// Extensions are extensions by the message they extend, in the order of their numbers.
type Extensions map[protoreflect.FullName][]protoreflect.ExtensionDescriptor

// ExtensionsIn are those that files declare.
func ExtensionsIn(files *protoregistry.Files) Extensions {
	all := make(Extensions)
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		eachExtension(file, func(extension protoreflect.ExtensionDescriptor) {
			name := extension.ContainingMessage().FullName()
			all[name] = append(all[name], extension)
		})
		return true
	})
	for _, extensions := range all {
		slices.SortFunc(extensions, func(a, b protoreflect.ExtensionDescriptor) int { return int(a.Number()) - int(b.Number()) })
	}
	return all
}
