package dispatcher

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// fileList is the files of some services with all they import, dependencies first, each path once.
type fileList struct {
	files []protoreflect.FileDescriptor
	seen  map[string]bool
}

func (l *fileList) add(file protoreflect.FileDescriptor) {
	if l.seen[file.Path()] || file.IsPlaceholder() {
		return
	}
	if l.seen == nil {
		l.seen = make(map[string]bool)
	}
	l.seen[file.Path()] = true
	for i := range file.Imports().Len() {
		l.add(file.Imports().Get(i).FileDescriptor)
	}
	l.files = append(l.files, file)
}

// files are those of everything that is registered here and of the collector's own services. Of two versions of one
// path, in two namespaces, the one of the namespace that sorts first is in the list.
func (d *Dispatcher) files() *fileList {
	list := new(fileList)
	spaces := d.local.current.Load().spaces
	for _, namespace := range slices.Sorted(maps.Keys(spaces)) {
		services := servicesOf(slices.Collect(maps.Values(spaces[namespace])))
		for _, name := range slices.Sorted(maps.Keys(services)) {
			list.add(services[name].ParentFile())
		}
	}
	for spec := range d.system.Load().server.Specs() {
		if schema, ok := spec.Schema.(protoreflect.MethodDescriptor); ok && schema != nil {
			list.add(schema.ParentFile())
		}
	}
	return list
}

// descriptorSet encodes files. Those that sources has too are answered with its comments.
func descriptorSet(list *fileList, sources *descriptorpb.FileDescriptorSet) *descriptorpb.FileDescriptorSet {
	commented := make(map[string]*descriptorpb.FileDescriptorProto)
	for _, file := range sources.GetFile() {
		commented[file.GetName()] = file
	}
	set := new(descriptorpb.FileDescriptorSet)
	for _, file := range list.files {
		plain := protodesc.ToFileDescriptorProto(file)
		if source, ok := commented[file.Path()]; ok && sameFile(source, plain) {
			plain.SourceCodeInfo = source.GetSourceCodeInfo()
		}
		set.File = append(set.File, plain)
	}
	return set
}

// sameFile reports whether two files differ in comments and file options only, which generators change.
func sameFile(a, b *descriptorpb.FileDescriptorProto) bool {
	a, b = proto.CloneOf(a), proto.CloneOf(b)
	a.SourceCodeInfo, b.SourceCodeInfo, a.Options, b.Options = nil, nil, nil, nil
	return proto.Equal(a, b)
}

func (d *Dispatcher) descriptorSetResponse() (*meshv1.GetDescriptorSetResponse, error) {
	set := descriptorSet(d.files(), d.options.sources)
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(encoded)
	return &meshv1.GetDescriptorSetResponse{FileDescriptorSet: set, ContentHash: hex.EncodeToString(hash[:])}, nil
}

// FindFileByPath makes a fileList a resolver for reflection.
func (l *fileList) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	for _, file := range l.files {
		if file.Path() == path {
			return file, nil
		}
	}
	return nil, protoregistry.NotFound
}

// FindDescriptorByName looks a symbol up by its full name.
func (l *fileList) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	for _, file := range l.files {
		if found := findIn(file, name); found != nil {
			return found, nil
		}
	}
	return nil, protoregistry.NotFound
}

// container is a file or a message.
type container interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}

func findIn(file protoreflect.FileDescriptor, name protoreflect.FullName) protoreflect.Descriptor {
	services := file.Services()
	for i := range services.Len() {
		if service := services.Get(i); service.FullName() == name {
			return service
		} else if method := service.Methods().ByName(name.Name()); method != nil && method.FullName() == name {
			return method
		}
	}
	return findType(file, name)
}

func findType(in container, name protoreflect.FullName) protoreflect.Descriptor {
	if enum := in.Enums().ByName(name.Name()); enum != nil && enum.FullName() == name {
		return enum
	}
	if extension := in.Extensions().ByName(name.Name()); extension != nil && extension.FullName() == name {
		return extension
	}
	for i := range in.Messages().Len() {
		message := in.Messages().Get(i)
		if message.FullName() == name {
			return message
		}
		if found := findType(message, name); found != nil {
			return found
		}
	}
	return nil
}
