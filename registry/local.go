package registry

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/schema"
)

// AddService says that this process serves a service in a namespace, from now until [Registry.RemoveService] or its
// end. The service is added with its file and all that imports; it takes the place of one with its name unless that
// would be a breaking change of what this process served before. Adding the same again changes nothing.
//
// What requests registered under that name never refuses it, however it differs: what runs is what calls meet, and a
// registration must not keep a process from starting. It is kept aside until [Registry.RemoveService] or until
// UnregisterService removes it; ListServices and LookupService say so, and how the two differ.
func (r *Registry) AddService(namespace string, sd protoreflect.ServiceDescriptor) error {
	if err := name.CheckNamespace(namespace); err != nil {
		return connect.NewError(connect.CodeInvalidArgument, err.Error()).WithCause(err)
	}
	if sd == nil {
		return connect.NewError(connect.CodeInvalidArgument, "add service: its descriptor is nil")
	}
	_, err := r.update(context.Background(), namespace, func(_ *view, n *namespaceEdit) (*change, bool, error) {
		changed, err := n.addLocal(sd)
		return nil, changed, err
	})
	if err != nil {
		return refused(err, "service %s in namespace %q", sd.FullName(), namespace)
	}
	return nil
}

// RemoveService undoes [Registry.AddService]. What requests registered stays.
func (r *Registry) RemoveService(namespace, fullName string) {
	// Nothing of it is stored and nothing can refuse it, so there is no error to tell.
	_, _ = r.update(context.Background(), namespace, func(_ *view, n *namespaceEdit) (*change, bool, error) {
		held := n.held(fullName).local
		if held == nil {
			return nil, false, nil
		}
		n.setLocal(fullName, nil)
		n.releaseFiles(held)
		return nil, true, nil
	})
}

// addLocal puts a service of the process in place of one that it does not break. Another version of the same service keeps the
// time when the first came.
func (n *namespaceEdit) addLocal(sd protoreflect.ServiceDescriptor) (changed bool, err error) {
	full := string(sd.FullName())
	held := n.held(full)
	if held.local != nil && held.local.descriptor == sd {
		return false, nil
	}
	now := time.Now()
	added := newService(sd, true, times{now, now})
	if held.local != nil {
		if err := breaking(schema.CompareServices(held.local.descriptor, sd)); err != nil {
			return false, err
		}
		added.times.created = held.local.times.created
		n.releaseFiles(held.local)
	}
	n.setLocal(full, added)
	return true, n.useFiles(added)
}

// useFiles adds the files of a local service with all they import. Two services cannot come with two versions of a
// file, since a name could then mean two things.
func (n *namespaceEdit) useFiles(s *service) error {
	for _, fd := range descriptor.Closure(s.descriptor.ParentFile()) {
		held, ok := n.localFiles.get(key{name: fd.Path()})
		if ok && !descriptor.SameFile(held.descriptor, fd) {
			return fmt.Errorf("%w: it comes with another version of %s than a service that is there", ErrConflict, fd.Path())
		}
		n.localEdit.set(key{name: fd.Path()}, localFile{fd, held.users + 1})
	}
	return nil
}

// releaseFiles undoes useFiles: a file goes with the last service that needs it.
func (n *namespaceEdit) releaseFiles(s *service) {
	for _, fd := range descriptor.Closure(s.descriptor.ParentFile()) {
		path := key{name: fd.Path()}
		held, _ := n.localFiles.get(path)
		if held.users--; held.users > 0 {
			n.localEdit.set(path, held)
		} else {
			n.localEdit.remove(path)
		}
	}
}
