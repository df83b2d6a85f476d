package peerschema

import (
	"errors"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// Schema is the schemas of a namespace on a peer: a set of files, and why others were refused. Peers with the same
// files share one. It never changes.
type Schema struct {
	Hashes [][]byte // what the catalog said, one for each file
	Set    *descriptor.Set
	// Err is why files are not in the set, an [ErrRefused]; nil if all of them are.
	Err    error
	byHash map[string]*descriptor.File
}

// ErrRefused is in the chain of every reason to refuse the schemas of a peer for good: asking again would not help.
var ErrRefused = errors.New("schemas refused")

// sameHashes is quick for two reads of one catalog.
// One catalog shares its memory over all reads of it.
func sameHashes(a, b [][]byte) bool {
	if len(a) != len(b) || len(a) == 0 {
		return len(a) == len(b)
	}
	return &a[0] == &b[0] || slices.EqualFunc(a, b, slices.Equal)
}

// Service finds a service; nil if it is not known.
// p may be nil, as for all methods that look something up.
func (p *Schema) Service(name string) protoreflect.ServiceDescriptor {
	if p == nil || p.Set == nil {
		return nil
	}
	found, _ := p.Set.Service(name)
	return found
}

// Files are those that are known, in the order of their paths.
func (p *Schema) Files() []*descriptor.File {
	if p == nil || p.Set == nil {
		return nil
	}
	files := make([]*descriptor.File, 0, len(p.Set.Files))
	for _, path := range p.Set.Paths() {
		files = append(files, p.Set.Files[path])
	}
	return files
}

// Method finds a method; nil if it is not known.
func (p *Schema) Method(service, method string) protoreflect.MethodDescriptor {
	if found := p.Service(service); found != nil {
		return found.Methods().ByName(protoreflect.Name(method))
	}
	return nil
}

// howFar says that some files are there although others are refused.
func (p *Schema) howFar() string {
	if n := len(p.Set.Files); n > 0 {
		return " in full, " + strconv.Itoa(n) + " of " + strconv.Itoa(len(p.Hashes)) + " files are"
	}
	return ""
}

// Refusal says why files are refused, and what is to do if it is for a limit. There must be an Err.
func (p *Schema) Refusal() string {
	text := p.Err.Error()
	if errors.Is(p.Err, descriptor.ErrTooLarge) {
		text += "; larger ones are taken with Limits.SchemaFileBytes, SchemaFields and SchemaBytes (serve --max-schema-file, --max-schemas)"
	}
	return text
}

// fileByHash is a file that is in the set already; nil if it is not.
// It is decoded anew each time, so that no two sets share a message.
func (p *Schema) fileByHash(hash []byte) *descriptorpb.FileDescriptorProto {
	there, ok := p.byHash[string(hash)]
	if !ok {
		return nil
	}
	file := new(descriptorpb.FileDescriptorProto)
	if proto.Unmarshal(there.Encoded, file) != nil {
		return nil
	}
	return file
}
