package dispatcher

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// ownFile is a file of something that is registered here, encoded once for all peers.
type ownFile struct {
	encoded []byte                  // canonical, so that collectors with the same file tell the same hash
	hash    string                  // SHA-256 of encoded
	types   func() *dynamicpb.Types // of the file and all it imports; made by the first who asks
}

// ownFiles are the files of everything that is registered here at one moment. It never changes.
type ownFiles struct {
	spaces map[string][]*ownFile // by namespace; dependencies first, without the well-known ones
	byHash map[string]*ownFile
	made   map[protoreflect.FileDescriptor]*ownFile
}

// next is the files of what is registered after a change. What was encoded before is taken over.
func (f *ownFiles) next(spaces map[string]map[string]*method, sources *descriptor.Sources) *ownFiles {
	next := &ownFiles{
		spaces: make(map[string][]*ownFile),
		byHash: make(map[string]*ownFile),
		made:   make(map[protoreflect.FileDescriptor]*ownFile),
	}
	for namespace, methods := range spaces {
		for _, file := range descriptor.WithExtensions(filesOf(methods)...) {
			if descriptor.WellKnown(file.Path()) {
				continue
			}
			own, ok := f.made[file]
			if !ok {
				own = newOwnFile(file, sources)
			}
			next.made[file], next.byHash[own.hash] = own, own
			next.spaces[namespace] = append(next.spaces[namespace], own)
		}
	}
	return next
}

func newOwnFile(file protoreflect.FileDescriptor, sources *descriptor.Sources) *ownFile {
	encoded, err := descriptor.Canonical(descriptor.OnlyComments(sources.Proto(file)), descriptor.NewTypes(file))
	if err != nil {
		encoded = nil // no built descriptor fails to encode; peers would refuse this one
	}
	hash := sha256.Sum256(encoded)
	types := sync.OnceValue(func() *dynamicpb.Types { return descriptor.NewTypes(file) })
	return &ownFile{encoded: encoded, hash: string(hash[:]), types: types}
}

// schemas is how peers hear of the files.
func (f *ownFiles) schemas() []*meshv1.CatalogSchema {
	var schemas []*meshv1.CatalogSchema
	for namespace, files := range f.spaces {
		schema := &meshv1.CatalogSchema{Namespace: namespace}
		for _, own := range files {
			schema.FileHashes = append(schema.FileHashes, []byte(own.hash))
		}
		schemas = append(schemas, schema)
	}
	return schemas
}

// filesOf are the files that declare the services of methods, ordered by service.
func filesOf(methods map[string]*method) []protoreflect.FileDescriptor {
	services := servicesOf(slices.Collect(maps.Values(methods)))
	var files []protoreflect.FileDescriptor
	for _, name := range slices.Sorted(maps.Keys(services)) {
		files = append(files, services[name].ParentFile())
	}
	return files
}

// files are those of everything that is registered here and of the collector's own services, dependencies first. Of two
// versions of one path, in two namespaces, the one of the namespace that sorts first is in the list.
func (d *Dispatcher) files() []protoreflect.FileDescriptor {
	var roots []protoreflect.FileDescriptor
	spaces := d.local.current.Load().spaces
	for _, namespace := range slices.Sorted(maps.Keys(spaces)) {
		roots = append(roots, filesOf(spaces[namespace])...)
	}
	return descriptor.WithExtensions(append(roots, d.system.Load().files()...)...)
}
