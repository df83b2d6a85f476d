package hosted

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

// File is a file of something that is registered here, encoded once for all peers.
type File struct {
	Encoded []byte                  // canonical, so that collectors with the same file tell the same hash
	Hash    string                  // SHA-256 of encoded
	types   func() *dynamicpb.Types // of the file and all it imports; made by the first who asks
}

// Files are the files of everything that is registered here at one moment. It never changes.
type Files struct {
	Methods map[string][]*File // by namespace; dependencies first, without the well-known ones
	ByHash  map[string]*File
	made    map[protoreflect.FileDescriptor]*File
}

// next is the files of what is registered after a change. What was encoded before is taken over.
func (f *Files) next(spaces map[string]map[string]*Method, sources *descriptor.Sources) *Files {
	next := &Files{
		Methods: make(map[string][]*File),
		ByHash:  make(map[string]*File),
		made:    make(map[protoreflect.FileDescriptor]*File),
	}
	for namespace, methods := range spaces {
		for _, file := range descriptor.WithExtensions(FilesOf(methods)...) {
			if descriptor.WellKnown(file.Path()) {
				continue
			}
			own, ok := f.made[file]
			if !ok {
				own = newOwnFile(file, sources)
			}
			next.made[file], next.ByHash[own.Hash] = own, own
			next.Methods[namespace] = append(next.Methods[namespace], own)
		}
	}
	return next
}

// newOwnFile encodes a file, with its comments where sources has them. Its types are made late, since few methods need them.
func newOwnFile(file protoreflect.FileDescriptor, sources *descriptor.Sources) *File {
	encoded, err := descriptor.Canonical(descriptor.OnlyComments(sources.Proto(file)), descriptor.NewTypes(file))
	if err != nil {
		encoded = nil // no built descriptor fails to encode; peers would refuse this one
	}
	hash := sha256.Sum256(encoded)
	types := sync.OnceValue(func() *dynamicpb.Types { return descriptor.NewTypes(file) })
	return &File{Encoded: encoded, Hash: string(hash[:]), types: types}
}

// schemas is how peers hear of the files.
func (f *Files) schemas() []*meshv1.CatalogSchema {
	var schemas []*meshv1.CatalogSchema
	for namespace, files := range f.Methods {
		schema := &meshv1.CatalogSchema{Namespace: namespace}
		for _, own := range files {
			schema.FileHashes = append(schema.FileHashes, []byte(own.Hash))
		}
		schemas = append(schemas, schema)
	}
	return schemas
}

// FilesOf are the files that declare the services of methods, ordered by service.
func FilesOf(methods map[string]*Method) []protoreflect.FileDescriptor {
	services := ServicesOf(slices.Collect(maps.Values(methods)))
	var files []protoreflect.FileDescriptor
	for _, name := range slices.Sorted(maps.Keys(services)) {
		files = append(files, services[name].ParentFile())
	}
	return files
}
