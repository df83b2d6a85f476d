package registry

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/schema"
)

// registration is one request to register files, and a service if wanted.
type registration struct {
	namespace     string
	files         []*descriptorpb.FileDescriptorProto
	wantService   bool
	service       *descriptorpb.ServiceDescriptorProto
	servicePath   string // the file that declares it; empty: a file that is there
	force, dryRun bool
}

// registered is what came of a registration.
type registered struct {
	index    *namespaceIndex
	service  *service // nil unless wanted
	changes  []schema.Change
	kept     *change
	revision uint64
}

// apply changes a copy of a namespace as a registration asks, or says everything that is against it.
func (reg registration) apply(v *view, n *namespaceEdit, limits Limits, now time.Time) (*registered, error) {
	if err := reg.checkNamespace(v, n.namespaceIndex, limits); err != nil {
		return nil, err
	}
	bytes, comments := v.bytesBeside(n.name)
	next, err := descriptor.Admission{
		Limits: limits.forNamespace(limits.TotalBytes-bytes, limits.TotalBytes-comments), Current: n.files, Lend: n.lend, Now: now,
	}.Admit(reg.files)
	if err != nil {
		return nil, err
	}
	changes := n.compare(next)
	if err := breaking(changes); err != nil && !reg.force {
		return nil, err
	}
	done := &registered{index: n.namespaceIndex, changes: changes, kept: n.take(next, now)}
	if reg.wantService {
		done.service, err = reg.addService(n, done.kept, now)
	}
	return done, err
}

// checkNamespace refuses a namespace before anything of the request is looked at.
func (reg registration) checkNamespace(v *view, n *namespaceIndex, limits Limits) error {
	if name.Reserved(reg.namespace) {
		return fmt.Errorf("%w: the namespace belongs to the collectors themselves", ErrReserved)
	}
	if err := name.CheckNamespace(reg.namespace); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(n.files.Files) == 0 && v.namespacesWithFiles() >= limits.Namespaces {
		return fmt.Errorf("%w: there are %d namespaces, and no more are allowed", ErrTooLarge, limits.Namespaces)
	}
	return nil
}

// compare says how the files would change what the namespace holds, and how they differ from what the process serves.
func (n *namespaceIndex) compare(next *descriptor.Admitted) []schema.Change {
	var before, after []protoreflect.FileDescriptor
	for _, path := range next.Changed {
		if held, ok := n.files.Files[path]; ok {
			before = append(before, held.Descriptor)
		}
		after = append(after, next.Files.Files[path].Descriptor)
	}
	changes := schema.Compare(before, after)
	for _, path := range next.Bare {
		changes = append(changes, schema.Change{Element: path, Message: "is kept without its comments, for which there is no room"})
	}
	for s := range n.local() {
		if d, ok := next.Files.Service(s.name); ok && slices.Contains(next.Changed, d.ParentFile().Path()) {
			changes = append(changes, schema.CompareServices(s.descriptor, d)...)
		}
	}
	return changes
}

// take makes the admitted files those of the namespace and brings its registered services up to date.
func (n *namespaceEdit) take(next *descriptor.Admitted, now time.Time) *change {
	n.files = next.Files
	kept := &change{index: n.namespaceIndex}
	for _, path := range next.Changed {
		kept.files = append(kept.files, next.Files.Files[path])
	}
	for _, held := range slices.Collect(n.registered()) {
		n.refresh(held, next, kept, now)
	}
	return kept
}

// refresh brings one registered service up to date with the files: it may have changed, may only stand on other descriptors
// now, or may be gone.
func (n *namespaceEdit) refresh(held *service, next *descriptor.Admitted, kept *change, now time.Time) {
	d, there := next.Files.Service(held.name)
	switch {
	case !there: // by force
		n.setRegistered(held.name, nil)
		kept.dropped = append(kept.dropped, held.name)
	case slices.Contains(next.Changed, d.ParentFile().Path()):
		fresh := newService(d, false, times{held.times.created, now})
		n.setRegistered(held.name, fresh)
		kept.services = append(kept.services, fresh)
	case d != held.descriptor: // only something that its file imports is new
		n.setRegistered(held.name, newService(d, false, held.times))
	}
}

// addService registers the service a request asks for, which a file of the namespace declares exactly so.
func (reg registration) addService(n *namespaceEdit, kept *change, now time.Time) (*service, error) {
	d, err := reg.findService(n.files)
	if err != nil {
		return nil, err
	}
	full := string(d.FullName())
	if there := n.held(full).registered; there != nil {
		return there, nil
	}
	added := newService(d, false, times{now, now})
	n.setRegistered(full, added)
	kept.services = append(kept.services, added)
	return added, nil
}

// findService finds the service that a request describes in the files of the namespace. The descriptor in the request has no
// package, so where several files declare such a service, it has to say which file, or fit one of them only.
func (reg registration) findService(files *descriptor.Set) (protoreflect.ServiceDescriptor, error) {
	if !name.IsIdentifier(reg.service.GetName()) {
		return nil, fmt.Errorf("%w: service_descriptor is missing, or its name is not one", ErrMalformed)
	}
	found := files.ServicesNamed(protoreflect.Name(reg.service.GetName()), reg.servicePath)
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %s does not declare the service", ErrMalformed, reg.where())
	}
	same := slices.DeleteFunc(slices.Clone(found), func(d protoreflect.ServiceDescriptor) bool {
		return !declares(files, d, reg.service)
	})
	switch len(same) {
	case 1:
		return same[0], nil
	case 0:
		return nil, fmt.Errorf("%w: service_descriptor is not what %s declares", ErrMalformed, reg.where())
	default:
		return nil, fmt.Errorf("%w: the service could be %s: send file_descriptor too", ErrConflict, fullNames(same))
	}
}

// where says for people which files were looked through.
func (reg registration) where() string {
	if reg.servicePath == "" {
		return "a file of the namespace"
	}
	return reg.servicePath
}

// fullNames lists services for people.
func fullNames(services []protoreflect.ServiceDescriptor) string {
	names := make([]string, len(services))
	for i, d := range services {
		names[i] = string(d.FullName())
	}
	return strings.Join(names, " or ")
}

// declares reports whether a file has the service exactly as given, with type names as written or in full.
func declares(files *descriptor.Set, d protoreflect.ServiceDescriptor, given *descriptorpb.ServiceDescriptorProto) bool {
	if descriptor.SameMeaning(protodesc.ToServiceDescriptorProto(d), given, files.Types()) {
		return true
	}
	written := new(descriptorpb.FileDescriptorProto)
	if err := proto.Unmarshal(files.Files[d.ParentFile().Path()].Encoded, written); err != nil {
		return false
	}
	return descriptor.SameMeaning(written.GetService()[d.Index()], given, files.Types())
}
