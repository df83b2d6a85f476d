package describe

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/mesh"
)

// SchemaSet is the schemas of what can be called through a collector, put together so that every path and every name means
// one thing. It never changes.
type SchemaSet struct {
	Names []string // of the services, sorted
	Files *protoregistry.Files
	Types *dynamicpb.Types // of Files
	// Extensions are all that Files declare.
	Extensions descriptor.Extensions
	Hidden     []string // services that are left out because their files say something else than files that are there
}

// Filter is what a client wants to see: a namespace, a collector, both, or all.
type Filter struct{ Namespace, Collector string }

// Own are the collector's own services. Those of one moment never change, and are equal to themselves only.
type Own interface {
	// Names are their full names.
	Names() []string
	// Files declare them.
	Files() []protoreflect.FileDescriptor
}

// inputs are what a set is put together from.
type inputs struct {
	view    *routing.View
	known   *peerschema.Known
	own     Own
	sources *descriptor.Sources
	// most is how many bytes an answer may have with the comments of its files, a file and all it imports; comments that
	// would make it larger are left out.
	most int
}

// newSchemaSet puts the schemas together. Namespaces come in the order of their names, and in each of them what is served
// here comes before what peers serve: what comes first keeps the path or the name.
func newSchemaSet(in inputs, filter Filter) *SchemaSet {
	b := &builder{
		inputs: in, sizes: make(map[string]int),
		SchemaSet: &SchemaSet{Names: slices.Clone(in.own.Names()), Files: new(protoregistry.Files)},
	}
	for _, file := range in.own.Files() {
		b.add(file)
	}
	for _, here := range []bool{true, false} {
		for _, namespace := range slices.Sorted(maps.Keys(in.view.Namespaces)) {
			if filter.Namespace == "" || filter.Namespace == namespace {
				b.addNamespace(in.view.Namespaces[namespace], filter.Collector, here)
			}
		}
	}
	b.addExtending()
	slices.Sort(b.Names)
	b.Names = slices.Compact(b.Names)
	b.Types, b.Extensions = dynamicpb.NewTypes(b.Files), descriptor.ExtensionsIn(b.Files)
	return b.SchemaSet
}

// builder is a set while it is put together.
type builder struct {
	*SchemaSet
	inputs
	sizes  map[string]int                // of the files, by path
	others []protoreflect.FileDescriptor // of those whose services were added, that no service needs
}

// addExtending adds the files that extend messages of those that are there, and that no service imports.
func (b *builder) addExtending() {
	known := func(message protoreflect.FullName) bool {
		_, err := b.Files.FindDescriptorByName(message)
		return err == nil
	}
	seen := make(map[protoreflect.FileDescriptor]bool)
	for _, file := range b.others {
		if !seen[file] && descriptor.Extends(file, known) {
			_ = b.add(file) // what contradicts the services is left out
		}
		seen[file] = true
	}
}

// addNamespace adds the services of a namespace: those that are served here, or the others.
func (b *builder) addNamespace(s *routing.NamespaceIndex, collector string, here bool) {
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		service, owner := b.findService(s, name, collector)
		if service == nil || (owner == b.view.Self) != here {
			continue
		}
		if other := b.add(service.ParentFile()); other != "" {
			b.Hidden = append(b.Hidden, "reflection does not show "+name+" of "+owner+" in namespace "+s.Name+": "+other+
				"; ask with the header "+mesh.HeaderTarget+": "+owner)
			continue
		}
		b.Names = append(b.Names, name)
		b.others = append(b.others, b.filesBeside(service, s.Name, owner)...)
	}
}

// filesBeside are files of whoever serves a service that may extend its messages: linked in, or told by a peer.
func (b *builder) filesBeside(service protoreflect.ServiceDescriptor, namespace, owner string) []protoreflect.FileDescriptor {
	if owner == b.view.Self {
		return descriptor.WithExtensions(service.ParentFile())
	}
	var files []protoreflect.FileDescriptor
	for _, file := range b.known.Of(owner, namespace).Files() {
		files = append(files, file.Descriptor)
	}
	return files
}

// findService finds the schema of a service: that of the wanted collector, or, if none is wanted, this collector's
// own, or of those who decide what one of its methods is the one who has most of them.
func (b *builder) findService(s *routing.NamespaceIndex, name, collector string) (service protoreflect.ServiceDescriptor, owner string) {
	methods := s.Services[name]
	for _, methodName := range slices.Sorted(maps.Keys(methods)) {
		e := methods[methodName]
		if e.Local != nil && (collector == "" || collector == b.view.Self) {
			if e.Local.Schema == nil {
				continue
			}
			if local, ok := e.Local.Schema.Parent().(protoreflect.ServiceDescriptor); ok {
				return local, b.view.Self
			}
		}
		candidate := e.Owner
		if collector != "" {
			candidate = collector
		}
		found := b.known.Of(candidate, s.Name).Service(name)
		if peer := b.view.Peers[candidate]; found == nil || peer == nil || !peer.Serves(s.Name, e.Procedure) {
			continue
		}
		if service == nil || found.Methods().Len() > service.Methods().Len() {
			service, owner = found, candidate
		}
	}
	return service, owner
}

// add adds a file with all it imports, unless they contradict what is there. It says what does.
func (b *builder) add(root protoreflect.FileDescriptor) (problem string) {
	size := 0
	for _, file := range descriptor.Closure(root) {
		there, err := b.Files.FindFileByPath(file.Path())
		if err == nil {
			if !descriptor.SameFile(there, file) {
				return "there is another file " + file.Path()
			}
			size += b.sizes[file.Path()]
			continue
		}
		commented, bytes := b.commented(file, b.most-size)
		if err := b.Files.RegisterFile(commented); err != nil {
			return err.Error()
		}
		b.sizes[file.Path()] = bytes
		size += bytes
	}
	return ""
}

// commented is a file with its comments, if there are any and there is room for them, and its bytes.
func (b *builder) commented(file protoreflect.FileDescriptor, room int) (protoreflect.FileDescriptor, int) {
	source := b.sources.Proto(file)
	if proto.Size(source) > room {
		source = descriptor.WithoutComments(source)
	}
	if (source.GetSourceCodeInfo() == nil) == (file.SourceLocations().Len() == 0) {
		return file, proto.Size(source)
	}
	if built, err := protodesc.NewFile(source, b.Files); err == nil {
		return built, proto.Size(source)
	}
	return file, proto.Size(source)
}
