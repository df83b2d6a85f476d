package ingress

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// Services are the collector's own services, mounted. They never change: others take their place.
type Services struct {
	mux    Mux
	server *connect.Server
	names  []string // sorted
	// Replaced is closed when others take their place.
	Replaced chan struct{}
}

// Mount makes those that are registered on a server, which must not change any more. more are codecs in place of those of
// their names.
func (p *Port) Mount(server *connect.Server, more ...connect.Codec) *Services {
	s := &Services{mux: make(Mux), server: server, Replaced: make(chan struct{})}
	connecthttp.Mount(s.mux, server, p.Options(more...)...)
	names := make(map[string]bool)
	for spec := range server.Specs() {
		names[spec.Procedure[1:strings.LastIndexByte(spec.Procedure, '/')]] = true
	}
	s.names = slices.Sorted(maps.Keys(names))
	return s
}

// Names are the full names of the services, sorted. The slice must not be changed.
func (s *Services) Names() []string { return s.names }

// Has reports whether a service, given by its full name, is one of them.
func (s *Services) Has(service string) bool {
	_, found := slices.BinarySearch(s.names, service)
	return found
}

// Files are those that declare them, by path. Those of several services come several times.
func (s *Services) Files() []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	for spec := range s.server.Specs() {
		if schema, ok := spec.Schema.(protoreflect.MethodDescriptor); ok && schema != nil {
			files = append(files, schema.ParentFile())
		}
	}
	slices.SortFunc(files, func(a, b protoreflect.FileDescriptor) int { return strings.Compare(a.Path(), b.Path()) })
	return files
}

// Claims reports whether a path is for one of them, also if that has no such method.
func (s *Services) Claims(path string) bool {
	return s.mux.find(path) != nil || s.mux.hasServiceOf(path)
}

// Serve answers a request that one of them [Services.Claims].
func (p *Port) Serve(s *Services, w http.ResponseWriter, r *http.Request) {
	method := s.mux.find(r.URL.Path)
	if method == nil {
		p.Refuse(w, r, s.unknownMethod(r.URL.Path))
		return
	}
	r, _ = p.GuardBody(r.Context(), w, r, !strings.HasPrefix(r.URL.Path, reflectionPrefix))
	method.ServeHTTP(w, r)
}

// unknownMethod refuses a path that names one of them and no method of it.
func (s *Services) unknownMethod(path string) *refusal.Refusal {
	at := strings.LastIndexByte(path, '/')
	service, method := path[1:at], path[at+1:]
	var methods []string
	for spec := range s.server.Specs() {
		if known, ok := strings.CutPrefix(spec.Procedure, path[:at+1]); ok {
			methods = append(methods, known)
		}
	}
	return refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown,
		"service "+service+" of a collector has no method "+refusal.Quoted(method)+refusal.Suggest(method, methods))
}

// reflectionPrefix begins the paths of the reflection services, the only ones of a collector that stream both ways.
const reflectionPrefix = "/grpc.reflection."

// NarrowReflection gives a request for reflection whose URL names a namespace as the same request with the header; r
// itself if it is anything else.
func NarrowReflection(r *http.Request) (*http.Request, *refusal.Refusal) {
	named, path := CutNamespace(r.URL.Path)
	if named == "" || !strings.HasPrefix(path, reflectionPrefix) {
		return r, nil
	}
	namespace, _, refused := Named(r)
	if refused != nil {
		return nil, refused
	}
	narrowed := r.Clone(r.Context())
	narrowed.URL.Path, narrowed.URL.RawPath = path, ""
	narrowed.Header.Set(mesh.HeaderNamespace, namespace)
	return narrowed, nil
}
