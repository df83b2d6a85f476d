package ingress

import (
	"net/http"
	"strings"
)

// namespacePrefix is the URL prefix that selects a namespace on the native path: /ns/{namespace}/package.Service/Method.
const namespacePrefix = "/ns/"

// Mux is what connecthttp mounts on: handlers by procedure, and one for each service by its path with a slash behind it.
// That one, for unknown methods, only tells that there is such a service: it refuses otherwise than a collector does.
type Mux map[string]http.Handler

// Handle adds a handler. It is for connecthttp.Mount.
func (m Mux) Handle(pattern string, handler http.Handler) { m[pattern] = handler }

// find finds the handler of a procedure by its path; nil if there is none.
func (m Mux) find(path string) http.Handler {
	if strings.HasSuffix(path, "/") {
		return nil
	}
	return m[path]
}

// hasServiceOf reports whether the service that a path names is there, if not its method.
func (m Mux) hasServiceOf(path string) bool {
	return m[path[:strings.LastIndexByte(path, '/')+1]] != nil
}

// CutNamespace takes the URL prefix of a namespace off a path. namespace is empty where there is none.
func CutNamespace(path string) (namespace, procedure string) {
	rest, ok := strings.CutPrefix(path, namespacePrefix)
	if !ok {
		return "", path
	}
	namespace, _, ok = strings.Cut(rest, "/")
	if !ok || namespace == "" {
		return "", path
	}
	return namespace, rest[len(namespace):]
}
