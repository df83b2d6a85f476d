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

func (v *view) unknownNamespace(namespace string) error {
	if err := name.CheckNamespace(namespace); err != nil {
		return connect.NewError(connect.CodeInvalidArgument, err.Error()).WithCause(err)
	}
	return notFound("nothing is registered in namespace %q: there is %s", namespace, some(v.namespaceNames()))
}

func (v *view) namespaceNames() []string { return slices.Sorted(maps.Keys(v.namespaces)) }

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

func (v *view) namespacesWithFiles() (count int) {
	for _, n := range v.namespaces {
		if len(n.files.Files) > 0 {
			count++
		}
	}
	return count
}

// bytesBeside is what the files of all other namespaces take, and their comments.
func (v *view) bytesBeside(namespace string) (bytes, comments int) {
	for name, n := range v.namespaces {
		if name != namespace {
			bytes += n.files.Bytes
			comments += n.files.Comments
		}
	}
	return bytes, comments
}
