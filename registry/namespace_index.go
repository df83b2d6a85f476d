package registry

import (
	"cmp"
	"iter"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// namespaceIndex is what one namespace holds. It is immutable; a namespaceEdit makes the next version.
//
// Local and registered services each have their own files, so that what a request stored never stands in the way of
// what the process serves. Where both have a service, the local one counts.
//
// Invariants: calls has (name, method) exactly for the names that mean one service, with its methods; ordered has
// every service once; localFiles has the files of the local services with all they import.
type namespaceIndex struct {
	name       string
	files      *descriptor.Set // of registered services
	localFiles *table[localFile]
	names      *table[target] // by full name and by short name
	calls      *table[call]   // by any usable name of a service, and method
	ordered    []*service     // by full name; where both are there, the local one
}

// localFile is a file of the process itself.
type localFile struct {
	descriptor protoreflect.FileDescriptor
	users      int // services that need it
}

// target is what a name means.
type target struct {
	local, registered *service   // it is their full name; nil if there is none
	short             []*service // it is their short name, but not their full name; ordered by full name
}

// exact is the service with that full name; nil if there is none.
func (t target) exact() *service { return cmp.Or(t.local, t.registered) }

// service is what the name means if it can mean one service only, else nil. A full name is never ambiguous, even if it
// is the short name of another service.
func (t target) service() *service {
	if s := t.exact(); s != nil || len(t.short) != 1 {
		return s
	}
	return t.short[0]
}

// newNamespaceIndex is the index of a namespace that holds nothing.
func newNamespaceIndex(name string) *namespaceIndex {
	return &namespaceIndex{
		name:       name,
		files:      descriptor.NewSet(),
		localFiles: newTable[localFile](),
		names:      newTable[target](),
		calls:      newTable[call](),
	}
}

// empty reports that nothing would be lost with the index.
func (n *namespaceIndex) empty() bool { return len(n.files.Files) == 0 && len(n.ordered) == 0 }

// id is how a service is called in the contract.
func (n *namespaceIndex) id(s *service) string { return n.name + "/" + s.name }

// held is what a full name stands for at the moment.
func (n *namespaceIndex) held(fullName string) target {
	t, _ := n.names.get(key{name: fullName})
	return t
}

// local goes through the services of the process, ordered by full name.
func (n *namespaceIndex) local() iter.Seq[*service] {
	return func(yield func(*service) bool) {
		for _, s := range n.ordered {
			if s.local && !yield(s) {
				return
			}
		}
	}
}

// registered goes through the registered services, ordered by full name, also those that the process serves itself.
func (n *namespaceIndex) registered() iter.Seq[*service] {
	return func(yield func(*service) bool) {
		for _, s := range n.ordered {
			if r := n.held(s.name).registered; r != nil && !yield(r) {
				return
			}
		}
	}
}

// lend answers a file of the process itself, for requests that import it; nil if there is none.
func (n *namespaceIndex) lend(path string) *descriptorpb.FileDescriptorProto {
	held, ok := n.localFiles.get(key{name: path})
	if !ok {
		return nil
	}
	return protodesc.ToFileDescriptorProto(held.descriptor)
}

// lookup finds a service by full or short name.
func (n *namespaceIndex) lookup(name string) (*service, error) {
	t := n.held(name)
	if s := t.service(); s != nil {
		return s, nil
	}
	if len(t.short) > 1 {
		return nil, ambiguous("service %q in namespace %q could be %s: use the full name",
			name, n.name, strings.Join(serviceNames(t.short), " or "))
	}
	return nil, notFound("no service %.200q in namespace %q: it has %s", name, n.name, some(serviceNames(n.ordered)))
}

// serviceNames are full names, in the order of the list.
func serviceNames(services []*service) []string {
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.name
	}
	return names
}

// some lists names for people, the first few of many.
func some(names []string) string {
	const most = 5
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + ", …"
	default:
		return strings.Join(names, ", ")
	}
}

// compareServices orders by full name, as ordered and short are.
func compareServices(a, b *service) int { return cmp.Compare(a.name, b.name) }
