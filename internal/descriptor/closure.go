package descriptor

import "google.golang.org/protobuf/reflect/protoreflect"

// Closure is some files with all they import, dependencies first and each path once: of two versions of a path, the
// first one that is met. Placeholders, which stand for imports that nobody had, are left out.
func Closure(roots ...protoreflect.FileDescriptor) []protoreflect.FileDescriptor {
	var list []protoreflect.FileDescriptor
	seen := make(map[string]bool)
	var visit func(protoreflect.FileDescriptor)
	visit = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] || fd.IsPlaceholder() {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			visit(fd.Imports().Get(i).FileDescriptor)
		}
		list = append(list, fd)
	}
	for _, root := range roots {
		visit(root)
	}
	return list
}
