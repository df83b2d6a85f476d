package registry

import (
	"maps"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/name"
)

// view is everything the registry holds at one moment. It is immutable.
type view struct {
	revision   uint64
	namespaces map[string]*namespaceIndex // by namespace; none is empty
}

// call finds what a call is checked against. The two look-ups of the first lines are all of a call that may run; what comes
// after them is for people.
func (v *view) call(namespace, serviceName, methodName string) (call, error) {
	n, ok := v.namespaces[namespace]
	if !ok {
		return call{}, v.unknownNamespace(namespace)
	}
	if c, ok := n.calls.get(key{serviceName, methodName}); ok {
		return c, nil
	}
	s, err := n.lookup(serviceName)
	if err != nil {
		return call{}, err
	}
	return call{}, notFound("service %s in namespace %q has no method %.200q: it has %s",
		s.name, namespace, methodName, some(s.methodNames()))
}

// unknownNamespace tells a name that cannot be one from one that nothing is registered in.
func (v *view) unknownNamespace(namespace string) error {
	if err := name.CheckNamespace(namespace); err != nil {
		return connect.NewError(connect.CodeInvalidArgument, err.Error()).WithCause(err)
	}
	return notFound("nothing is registered in namespace %q: there is %s", namespace, some(v.namespaceNames()))
}

// namespaceNames are sorted, for texts that are the same every time.
func (v *view) namespaceNames() []string { return slices.Sorted(maps.Keys(v.namespaces)) }

// edit starts the next version of a namespace, which need not exist yet.
func (v *view) edit(namespace string) *namespaceEdit {
	if n, ok := v.namespaces[namespace]; ok {
		return n.edit()
	}
	return newNamespaceIndex(namespace).edit()
}

// with is the view after a change of one namespace.
func (v *view) with(n *namespaceIndex) *view {
	next := &view{revision: v.revision + 1, namespaces: maps.Clone(v.namespaces)}
	if n.empty() {
		delete(next.namespaces, n.name)
	} else {
		next.namespaces[n.name] = n
	}
	return next
}

// namespacesWithFiles counts what requests have brought in: namespaces of the process alone are not limited.
func (v *view) namespacesWithFiles() (count int) {
	for _, n := range v.namespaces {
		if len(n.files.Files) > 0 {
			count++
		}
	}
	return count
}

// bytesBeside is what the files of all other namespaces take, and their comments, encoded. Added up anew for each registration,
// so that no count can drift from what is there.
func (v *view) bytesBeside(namespace string) (bytes, comments int) {
	for name, n := range v.namespaces {
		if name != namespace {
			bytes += n.files.Bytes
			comments += n.files.Comments
		}
	}
	return bytes, comments
}
