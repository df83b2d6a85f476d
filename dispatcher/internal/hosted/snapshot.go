package hosted

import (
	"sync"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"

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

// With returns what is registered after methods were added. Nobody checks duplicates here.
// What did not change is shared with s, which stays as it is.
func (s *Snapshot) With(methods []*Method) map[string]map[string]*Method {
	all := s.Methods
	for _, m := range methods {
		all = cow.With(all, m.Namespace, cow.With(all[m.Namespace], m.Spec.Procedure, m))
	}
	return all
}

// Without returns what is registered after methods were taken out.
// A namespace whose last method goes is gone itself.
func (s *Snapshot) Without(methods []*Method) map[string]map[string]*Method {
	all := s.Methods
	for _, m := range methods {
		left := cow.Without(all[m.Namespace], m.Spec.Procedure)
		if all = cow.With(all, m.Namespace, left); len(left) == 0 {
			all = cow.Without(all, m.Namespace)
		}
	}
	return all
}

// Catalog is what peers are told.
func (s *Snapshot) Catalog() *meshv1.Catalog {
	catalog := &meshv1.Catalog{Revision: s.revision}
	for _, methods := range s.Methods {
		for _, m := range methods {
			catalog.Methods = append(catalog.Methods, m.catalogMethod())
		}
	}
	catalog.Schemas = s.Files.schemas()
	return catalog
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
func typesOfMethods(methods map[string]*Method) *dynamicpb.Types {
	return descriptor.NewTypes(descriptor.WithExtensions(FilesOf(methods)...)...)
}
