package ingress

import (
	"net/http"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// Named is the namespace and the procedure that a request names: the namespace by its path, by its header, or not at all. A
// request that names two is refused: what looks at one of them, such as a proxy with rules for paths, must not be passed
// by the other.
func Named(r *http.Request) (namespace, procedure string, refused *refusal.Refusal) {
	namespace, procedure = CutNamespace(r.URL.Path)
	namespace, refused = OneNamespace(namespace, r.Header.Values(mesh.HeaderNamespace))
	return namespace, procedure, refused
}

// OneNamespace is the only namespace among one that is named elsewhere, which may be empty, and those of the values of
// [mesh.HeaderNamespace].
func OneNamespace(namespace string, header []string) (string, *refusal.Refusal) {
	for _, named := range header {
		switch {
		case named == "":
		case namespace == "":
			namespace = named
		case named != namespace:
			return "", refusal.New(connect.CodeInvalidArgument, mesh.ReasonNamespaceConflict,
				"the request is in namespace "+refusal.Quoted(namespace)+" and its header "+mesh.HeaderNamespace+" says "+
					refusal.Quoted(named)+": name one")
		}
	}
	return namespace, nil
}
