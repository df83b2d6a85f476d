package dispatcher

import (
	"net/http"
)

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
func (d *Dispatcher) Handler() http.Handler { return d.handler }
