package hosted

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
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
	// roots are the files that declare services of methods, by namespace, with how many methods these are.
	roots map[string]map[protoreflect.FileDescriptor]int
}

// next is the files of what is registered after a change, and how peers hear of the namespaces whose files are others then. What was
// encoded before is taken over; most changes are of methods whose file is there already, or stays.
func (f *Files) next(added, gone []*Method, sources *descriptor.Sources) (*Files, []*meshv1.CatalogSchema) {
	roots := maps.Clone(f.roots)
	if roots == nil {
		roots = make(map[string]map[protoreflect.FileDescriptor]int)
	}
	changed := count(roots, gone, -1)
	maps.Copy(changed, count(roots, added, 1))
	next := &Files{Methods: f.Methods, ByHash: f.ByHash, made: f.made, roots: roots}
	if len(changed) == 0 {
		return next, nil
	}
	next.Methods, next.made = maps.Clone(f.Methods), maps.Clone(f.made)
	if next.Methods == nil {
		next.Methods, next.made = make(map[string][]*File), make(map[protoreflect.FileDescriptor]*File)
	}
	var schemas []*meshv1.CatalogSchema
	for _, namespace := range slices.Sorted(maps.Keys(changed)) {
		next.gather(namespace, sources)
		schemas = append(schemas, next.schema(namespace))
	}
	next.forget()
	return next, schemas
}

// count counts methods by the files that declare them, and says in which namespaces a file comes or goes. The maps of namespaces are
// copied.
func count(roots map[string]map[protoreflect.FileDescriptor]int, methods []*Method, by int) (changed map[string]bool) {
	changed = make(map[string]bool)
	for namespace, those := range byNamespace(methods) {
		of := maps.Clone(roots[namespace])
		if of == nil {
			of = make(map[protoreflect.FileDescriptor]int)
		}
		for _, m := range those {
			if m.Schema == nil {
				continue
			}
			file := m.Schema.ParentFile()
			if of[file] += by; of[file] == 0 || of[file] == by {
				changed[namespace] = true
			}
			if of[file] == 0 {
				delete(of, file)
			}
		}
		if roots[namespace] = of; len(of) == 0 {
			delete(roots, namespace)
		}
	}
	return changed
}

// gather lists the files of a namespace anew.
// Roots go by path, so that collectors with the same files name them in the same order: peers compare the lists as they are.
func (f *Files) gather(namespace string, sources *descriptor.Sources) {
	roots := slices.SortedFunc(maps.Keys(f.roots[namespace]), func(a, b protoreflect.FileDescriptor) int {
		return strings.Compare(a.Path(), b.Path())
	})
	delete(f.Methods, namespace)
	for _, file := range descriptor.WithExtensions(roots...) {
		if descriptor.WellKnown(file.Path()) {
			continue
		}
		own, ok := f.made[file]
		if !ok {
			own = newOwnFile(file, sources)
			f.made[file] = own
		}
		f.Methods[namespace] = append(f.Methods[namespace], own)
	}
}

// forget drops the files that are in no namespace any more.
// ByHash is made anew and not changed, as the Files of before may still be read.
func (f *Files) forget() {
	f.ByHash = make(map[string]*File)
	for _, files := range f.Methods {
		for _, own := range files {
			f.ByHash[own.Hash] = own
		}
	}
	maps.DeleteFunc(f.made, func(_ protoreflect.FileDescriptor, own *File) bool { return f.ByHash[own.Hash] != own })
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

// schema is how peers hear of the files of a namespace.
// One without files tells them that there are none any more.
func (f *Files) schema(namespace string) *meshv1.CatalogSchema {
	schema := &meshv1.CatalogSchema{Namespace: namespace}
	for _, own := range f.Methods[namespace] {
		schema.FileHashes = append(schema.FileHashes, []byte(own.Hash))
	}
	return schema
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
