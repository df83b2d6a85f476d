package schema

import "google.golang.org/protobuf/reflect/protoreflect"

// Open reports whether messages of a method may hold types that its schema does not name: in an Any, or in extensions. What
// such a method carries can be shown and checked only with types from elsewhere, and its [Fingerprint] says nothing of
// them.
func Open(method protoreflect.MethodDescriptor) bool {
	for _, message := range indexMethod(method).messages {
		if message.FullName() == "google.protobuf.Any" || message.ExtensionRanges().Len() > 0 {
			return true
		}
	}
	return false
}
