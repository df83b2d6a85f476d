package dispatcher

import (
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher/internal/descriptorset"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/mesh"
)

// described is the schemas of what can be called through this collector, put together so that every path and every name
// means one thing. It never changes.
type described struct {
	names []string // of the services, sorted
	files *protoregistry.Files
	types *dynamicpb.Types // of files
	// extensions are all that files declare.
	extensions descriptor.Extensions
	hidden     []string // services that are left out because their files say something else than files that are there
}

// narrowed is what a client wants to see: a namespace, a collector, or all.
type narrowed struct{ namespace, collector string }

// descriptions are made when they are asked for, and anew when what they describe has changed.
type descriptions struct {
	mu     sync.Mutex
	view   *routing.View
	system *systemServices
	made   map[narrowed]*described
}

// described is what can be called now. Namespaces come in the order of their names, and in each of them what is served
// here comes before what peers serve: what comes first keeps the path or the name.
func (d *Dispatcher) described(n narrowed) *described {
	v, system := d.view(), d.system.Load()
	c := &d.descriptions
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.view != v || c.system != system {
		c.view, c.system, c.made = v, system, make(map[narrowed]*described)
	}
	made, ok := c.made[n]
	if !ok {
		made = describe(v, d.schemas.Known(), system, d.options.sources, descriptorset.PageBytes(d.limits.MessageBytes), n)
		c.made[n] = made
	}
	return made
}

// describe puts the schemas together. most is how many bytes an answer may have with the comments of its files, a file
// and all it imports; comments that would make it larger are left out.
func describe(v *routing.View, known *peerschema.Known, system *systemServices, sources *descriptor.Sources, most int, n narrowed) *described {
	b := &describing{
		known: known, sources: sources, most: most, sizes: make(map[string]int),
		described: &described{names: system.names(), files: new(protoregistry.Files)},
	}
	for _, file := range system.files() {
		b.add(file)
	}
	for _, here := range []bool{true, false} {
		for _, namespace := range slices.Sorted(maps.Keys(v.Namespaces)) {
			if n.namespace == "" || n.namespace == namespace {
				b.addSpace(v, v.Namespaces[namespace], n.collector, here)
			}
		}
	}
	b.addExtending()
	slices.Sort(b.names)
	b.names = slices.Compact(b.names)
	b.types, b.extensions = dynamicpb.NewTypes(b.files), descriptor.ExtensionsIn(b.files)
	return b.described
}

// describing is a described while it is made.
type describing struct {
	*described
	known   *peerschema.Known
	sources *descriptor.Sources
	most    int
	sizes   map[string]int                // of the files, by path
	others  []protoreflect.FileDescriptor // of those whose services were added, that no service needs
}

// addExtending adds the files that extend messages of those that are there, and that no service imports.
func (b *describing) addExtending() {
	known := func(message protoreflect.FullName) bool {
		_, err := b.files.FindDescriptorByName(message)
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

// addSpace adds the services of a namespace: those that are served here, or the others.
func (b *describing) addSpace(v *routing.View, s *routing.NamespaceIndex, collector string, here bool) {
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		service, owner := b.describeService(v, s, name, collector)
		if service == nil || (owner == v.Self) != here {
			continue
		}
		if other := b.add(service.ParentFile()); other != "" {
			b.hidden = append(b.hidden, "reflection does not show "+name+" of "+owner+" in namespace "+s.Name+": "+other+
				"; ask with the header "+mesh.HeaderTarget+": "+owner)
			continue
		}
		b.names = append(b.names, name)
		b.others = append(b.others, b.filesBeside(service, s.Name, owner, v.Self)...)
	}
}

// filesBeside are files of whoever serves a service that may extend its messages: linked in, or told by a peer.
func (b *describing) filesBeside(service protoreflect.ServiceDescriptor, namespace, owner, self string) []protoreflect.FileDescriptor {
	if owner == self {
		return descriptor.WithExtensions(service.ParentFile())
	}
	var files []protoreflect.FileDescriptor
	for _, file := range b.known.Of(owner, namespace).Files() {
		files = append(files, file.Descriptor)
	}
	return files
}

// describeService finds the schema of a service: that of the wanted collector, or, if none is wanted, this collector's
// own, or of those who decide what one of its methods is the one who has most of them.
func (b *describing) describeService(v *routing.View, s *routing.NamespaceIndex, name, collector string) (service protoreflect.ServiceDescriptor, owner string) {
	methods := s.Services[name]
	for _, methodName := range slices.Sorted(maps.Keys(methods)) {
		e := methods[methodName]
		if e.Local != nil && (collector == "" || collector == v.Self) {
			if e.Local.Schema == nil {
				continue
			}
			if local, ok := e.Local.Schema.Parent().(protoreflect.ServiceDescriptor); ok {
				return local, v.Self
			}
		}
		candidate := e.Owner
		if collector != "" {
			candidate = collector
		}
		found := b.known.Of(candidate, s.Name).Service(name)
		if st := v.Peers[candidate]; found == nil || st == nil || !st.Serves(s.Name, e.Procedure) {
			continue
		}
		if service == nil || found.Methods().Len() > service.Methods().Len() {
			service, owner = found, candidate
		}
	}
	return service, owner
}

// add adds a file with all it imports, unless they contradict what is there. It says what does.
func (b *describing) add(root protoreflect.FileDescriptor) (problem string) {
	size := 0
	for _, file := range descriptor.Closure(root) {
		there, err := b.files.FindFileByPath(file.Path())
		if err == nil {
			if !descriptor.SameFile(there, file) {
				return "there is another file " + file.Path()
			}
			size += b.sizes[file.Path()]
			continue
		}
		commented, bytes := b.commented(file, b.most-size)
		if err := b.files.RegisterFile(commented); err != nil {
			return err.Error()
		}
		b.sizes[file.Path()] = bytes
		size += bytes
	}
	return ""
}

// commented is a file with its comments, if there are any and there is room for them, and its bytes.
func (b *describing) commented(file protoreflect.FileDescriptor, room int) (protoreflect.FileDescriptor, int) {
	source := b.sources.Proto(file)
	if proto.Size(source) > room {
		source = descriptor.WithoutComments(source)
	}
	if (source.GetSourceCodeInfo() == nil) == (file.SourceLocations().Len() == 0) {
		return file, proto.Size(source)
	}
	if built, err := protodesc.NewFile(source, b.files); err == nil {
		return built, proto.Size(source)
	}
	return file, proto.Size(source)
}
