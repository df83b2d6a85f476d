package registry

import (
	"context"
	"errors"
	"maps"
	"slices"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	collector "github.com/collectiverpc/collective/gen/collector"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// UnregisterService forgets a service that requests registered, with the files that only it needs, whole or not at all.
// What the process itself serves under that name stays, by its own schema. See the CollectorRegistry service.
//
// It is refused as LookupService refuses: not_found for what nobody registered, and failed_precondition for a short name that
// several services have.
func (r *Registry) UnregisterService(
	ctx context.Context, req *collector.UnregisterServiceRequest,
) (*collector.UnregisterServiceResponse, error) {
	answer := &collector.UnregisterServiceResponse{Status: okStatus()}
	revision, err := r.update(ctx, req.GetNamespace(), func(v *view, n *namespaceEdit) (*change, bool, error) {
		if _, ok := v.namespaces[n.name]; !ok {
			return nil, false, v.unknownNamespace(n.name)
		}
		s, err := n.findRegistered(req.GetServiceName())
		if err != nil {
			return nil, false, err
		}
		kept, err := n.unregister(s)
		if err != nil {
			return nil, false, err
		}
		answer.ServiceId, answer.RemovedFiles = n.id(s), kept.removed
		return kept, true, nil
	})
	if _, ok := errors.AsType[*connect.Error](err); ok { // there is no such service, which says all
		return nil, err
	}
	if err != nil {
		return nil, refused(err, "service %.100q in namespace %.100q", req.GetServiceName(), req.GetNamespace())
	}
	answer.Revision = revision
	return answer, nil
}

// findRegistered finds what requests registered under a name, also where the process serves it itself.
func (n *namespaceIndex) findRegistered(name string) (*service, error) {
	if s := n.held(name).registered; s != nil {
		return s, nil
	}
	s, err := n.lookup(name)
	if err != nil {
		return nil, err
	}
	if s = n.held(s.name).registered; s == nil {
		return nil, notFound("service %.200q in namespace %q is served by the collector itself and was not registered: "+
			"it goes when its program stops serving it", name, n.name)
	}
	return s, nil
}

// unregister takes a registered service out of the namespace. What the process serves under its name is not touched: it stands
// on files of its own.
func (n *namespaceEdit) unregister(s *service) (*change, error) {
	n.setRegistered(s.name, nil)
	kept := &change{dropped: []string{s.name}, removed: n.unneeded(s.descriptor.ParentFile().Path())}
	files, err := n.filesWithout(kept.removed)
	if err != nil {
		return nil, err
	}
	n.files = files
	kept.index = n.namespaceIndex
	return kept, nil
}

// unneeded is a file that has lost a service, if nothing needs it any more, with those of its imports that nothing else
// needs, sorted.
func (n *namespaceIndex) unneeded(path string) []string {
	gone := make(map[string]bool)
	for queue := []string{path}; len(queue) > 0; queue = queue[1:] {
		file, ok := n.files.Files[queue[0]]
		if !ok || gone[queue[0]] || n.declaresRegistered(file) || n.imported(queue[0], gone) {
			continue
		}
		gone[queue[0]] = true
		for imports, i := file.Descriptor.Imports(), 0; i < imports.Len(); i++ {
			queue = append(queue, imports.Get(i).Path())
		}
	}
	return slices.Sorted(maps.Keys(gone))
}

// declaresRegistered reports whether a registered service stands on a file. One that the file declares and nobody registered
// keeps nothing.
func (n *namespaceIndex) declaresRegistered(file *descriptor.File) bool {
	services := file.Descriptor.Services()
	for i := range services.Len() {
		if n.held(string(services.Get(i).FullName())).registered != nil {
			return true
		}
	}
	return false
}

// imported reports whether a file that stays imports the path.
func (n *namespaceIndex) imported(path string, gone map[string]bool) bool {
	for other, file := range n.files.Files {
		if !gone[other] && imports(file.Descriptor, path) {
			return true
		}
	}
	return false
}

// imports reports whether a file imports a path itself; what it imports by way of others is for those to keep.
func imports(file protoreflect.FileDescriptor, path string) bool {
	list := file.Imports()
	for i := range list.Len() {
		if list.Get(i).Path() == path {
			return true
		}
	}
	return false
}

// filesWithout is the set of files without some that no other one imports. The others keep their descriptors, so the services
// that stand on them do too.
func (n *namespaceIndex) filesWithout(removed []string) (*descriptor.Set, error) {
	next := descriptor.NewSet()
	for _, path := range n.files.Paths() {
		if slices.Contains(removed, path) {
			continue
		}
		if err := next.Add(n.files.Files[path]); err != nil {
			return nil, err
		}
	}
	return next, nil
}
