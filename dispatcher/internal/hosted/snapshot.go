package hosted

import (
	"maps"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/internal/cow"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// Snapshot is what is registered at one moment. It never changes.
type Snapshot struct {
	// revision grows with every change.
	revision uint64
	Methods  map[string]map[string]*Method // by namespace and procedure; no empty namespaces
	Files    *Files
	types    map[string]func() *dynamicpb.Types // by namespace; made by the first who asks
	// Replaced is closed when another one takes its place.
	Replaced chan struct{}
}

// NewSnapshot is the methods of spaces, by namespace and procedure, which must not change any more. Its files are empty.
func NewSnapshot(revision uint64, spaces map[string]map[string]*Method) *Snapshot {
	s := &Snapshot{
		revision: revision, Methods: spaces, Files: new(Files), Replaced: make(chan struct{}),
		types: make(map[string]func() *dynamicpb.Types, len(spaces)),
	}
	for namespace, methods := range spaces {
		s.types[namespace] = sync.OnceValue(func() *dynamicpb.Types { return typesOfMethods(methods) })
	}
	return s
}

// with is what is registered after methods were added. What did not change is shared with all, which stays as it is.
func with(all map[string]map[string]*Method, methods []*Method) map[string]map[string]*Method {
	for namespace, those := range byNamespace(methods) {
		in := maps.Clone(all[namespace])
		if in == nil {
			in = make(map[string]*Method, len(those))
		}
		for _, m := range those {
			in[m.Spec.Procedure] = m
		}
		all = cow.With(all, namespace, in)
	}
	return all
}

// without is what is registered after methods were taken out.
// A namespace whose last method goes is gone itself.
func without(all map[string]map[string]*Method, methods []*Method) map[string]map[string]*Method {
	for namespace, those := range byNamespace(methods) {
		left := maps.Clone(all[namespace])
		for _, m := range those {
			delete(left, m.Spec.Procedure)
		}
		if all = cow.With(all, namespace, left); len(left) == 0 {
			all = cow.Without(all, namespace)
		}
	}
	return all
}

// TypesIn are those that the files of everything in a namespace declare.
func (s *Snapshot) TypesIn(namespace string) descriptor.Resolver {
	if types, ok := s.types[namespace]; ok {
		return types()
	}
	return descriptor.Chain{}
}

// TypesIn are those of a file and all it imports.
func (f *Files) TypesIn(file protoreflect.FileDescriptor) descriptor.Resolver {
	if own, ok := f.made[file]; ok {
		return own.types()
	}
	return descriptor.NewTypes(file)
}

// typesOfMethods are the types of the files of methods, with the extensions that are declared in them.
// They take time and memory by all these files, which is why a snapshot has none until somebody asks.
func typesOfMethods(methods map[string]*Method) *dynamicpb.Types {
	return descriptor.NewTypes(descriptor.WithExtensions(FilesOf(methods)...)...)
}
