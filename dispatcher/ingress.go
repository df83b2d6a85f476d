package dispatcher

import (
	"net/http"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/conn/carrier"
)

// namespacePrefix is the URL prefix that selects a namespace on the native path: /ns/{namespace}/package.Service/Method.
const namespacePrefix = "/ns/"

// Handler serves everything a collector has on one port: the seed's CollectiveDispatcher, MeshService, the registry if
// there is one, grpc.health.v1, gRPC reflection, both carriers of links, and the native path: every method of the mesh at
// `/package.Service/Method`, for Connect, gRPC and gRPC-Web clients (in binary and as text), here or on a peer.
//
// The namespace of a native call, and of gRPC reflection, is that of the header Collective-Namespace, else of the URL
// prefix `/ns/{namespace}`, else the only one in which the method is served. The header Collective-Target selects a
// collector. Answers name in Collective-Executor who ran the call and in Collective-Route the collectors it visited, and
// in Collective-Reason why the mesh failed it, a word of CallFailure. An unknown method has no other sign of the mesh: it
// looks as on any server.
//
// The handler needs HTTP/2, also without TLS, for gRPC and for streams both ways; [Dispatcher.Server] makes a server
// that has it.
//
// With [WithConsole] it has the console too.
func (d *Dispatcher) Handler() http.Handler { return d.front }

func (d *Dispatcher) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if refused := misspoken(r); refused != nil {
		d.refuseHTTP(w, r, refused)
		return
	}
	if r.URL.Path == carrier.UpgradePath || r.URL.Path == carrier.CarryPath { // whose limits are the link's own
		d.conns.ServeHTTP(w, r)
		return
	}
	r = narrowedReflection(r)
	system := d.system.Load()
	if service := system.find(r.URL.Path); service != nil {
		body := d.limits.guardBody(w, r, !strings.HasPrefix(r.URL.Path, reflectionPrefix))
		defer body.done()
		service.ServeHTTP(w, r)
		return
	}
	if system.hasServiceOf(r.URL.Path) {
		d.refuseHTTP(w, r, system.unknownMethod(r.URL.Path))
		return
	}
	d.native.serve(w, r)
}

// compressMinBytes is the smallest message that an answer has compressed, if the client takes that. A packet holds some
// 1400 bytes, so packing less saves no packet, and setting up gzip for an answer of 60 bytes took a tenth of a
// collector's CPU and made it longer. What clients send may be compressed whatever its size.
const compressMinBytes = 1 << 10

// httpOptions are the options of everything that is mounted, with more codecs in place of those of their names.
func (l Limits) httpOptions(more ...connect.Codec) []connecthttp.Option {
	return []connecthttp.Option{
		connecthttp.WithCodecs(append(more, newCodecs()...)...),
		connecthttp.WithReadMaxBytes(l.RequestBytes),
		connecthttp.WithSendMaxBytes(l.MessageBytes),
		connecthttp.WithCompressMinBytes(compressMinBytes),
	}
}

// mux is what connecthttp mounts on: handlers by procedure, and one for each service by its path with a slash behind it.
// That one, for unknown methods, only tells that there is such a service: it refuses otherwise than a collector does.
type mux map[string]http.Handler

func (m mux) Handle(pattern string, handler http.Handler) { m[pattern] = handler }

func (m mux) find(path string) http.Handler {
	if strings.HasSuffix(path, "/") {
		return nil
	}
	return m[path]
}

// hasServiceOf reports whether the service that a path names is there, if not its method.
func (m mux) hasServiceOf(path string) bool {
	return m[path[:strings.LastIndexByte(path, '/')+1]] != nil
}

// cutNamespace takes the URL prefix of a namespace off a path.
func cutNamespace(path string) (namespace, procedure string) {
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
