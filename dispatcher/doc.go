// Package dispatcher makes a process a collector of the mesh. A [Dispatcher] hosts methods in namespaces, knows its peers
// through package conn, and answers any call for any method of the mesh: here if it can, on the right peer if it must.
//
// # Words
//
//	collector   one process of the mesh; its id is its identity, its address only where it is found
//	namespace   the isolation unit; a call is always in one, and peers share some of theirs
//	procedure   `/package.Service/Method`, the one spelling of a method inside
//	method      a procedure registered in a namespace of this collector
//	entrance    where a call comes in: the native path, Dispatch, Serve, a link, or Dispatcher.Transport
//	view        what routing may look at: the methods registered here joined with what the peers told, immutable
//	decision    what routing makes of a call and a view: run it here, on these peers in this order, or refuse it for a
//	            stated reason
//	executor    the collector on which the handler ran
//	typed       a handler with the messages of its descriptor; untyped: the seed's func(ctx, any) (any, error)
//
// # A collector
//
// An id, the address where others find it, and the namespaces are all it takes. Generated handlers register as on any
// server of connect v2:
//
//	d, err := dispatcher.New("users-1", "127.0.0.1:50051", []string{"users"})
//	…
//	err = d.Register("users", func(s *connect.Server) { usersv1connect.RegisterUserServiceHandler(s, users{}) })
//
// There are four more ways to register, for those who have no generated handler:
//
//	Handle                             a function and the descriptor of its method
//	Dispatcher.RegisterImplementation  a Go value with the methods of a service descriptor
//	Dispatcher.RegisterDynamic         only a descriptor; messages are those of package dynamicpb
//	Dispatcher.RegisterService         the seed's untyped function
//
// Registration takes effect at once, before or while the collector serves, and all or nothing: an error has
// [ErrRegistration] in its chain and lists every problem. [Dispatcher.Unregister] takes a service back.
//
// # Serve
//
//	err = d.ListenAndServe(ctx, "127.0.0.1:50051", nil, 10*time.Second)
//
// One port serves everything: the native path, on which any Connect, gRPC or gRPC-Web client calls every method of the
// mesh, gRPC reflection and health, the MeshService that the command line asks, and the links of other collectors. It
// brings back the connections of earlier runs, and stops in order when ctx is done: within the grace, first the links and
// then the server. Beyond loopback it wants a certificate, or [WithPlaintext]. [Dispatcher.ServeListener] is for programs
// with a listener or handlers of their own, [Dispatcher.Server] for those with a server of their own; these call
// [Dispatcher.Resume] and [Dispatcher.Shutdown] themselves.
//
// # Connect
//
//	res, err := d.ConnectTo(ctx, "127.0.0.1:50052", nil)
//
// When it returns, calls cross both ways, in the namespaces that both have. The connection is dialled again whenever it is
// lost, and after a restart if there is a store, until somebody disconnects it. [Dispatcher.Connections] tells who is
// there.
//
// # Call
//
// The mesh is a [connect.Transport], and generated clients do not know where a method lives:
//
//	users := usersv1connect.NewUserServiceClient(connect.NewClient(d.Transport("users")))
//
// A process that hosts nothing gets one from [Dial], and any process may call by HTTP instead, with the headers of package
// mesh if it wants to choose. [RouteInfoForContext] tells where a call went, and [Dispatcher.Explain] where one would go.
//
// # Who calls
//
// Every call has a caller, who is decided upon before a message is decoded: where it enters and, when it crosses a link, once
// more where it runs. A handler reads it by access.PrincipalFromContext. Over a link the caller is believed of a peer that has
// proved who it is; what another one brings is an anonymous call. A peer of the seed's protocol is told no caller: to it a call
// is this collector's. What a handler calls by [Dispatcher.Transport] is this collector's own call, whoever has called the
// handler. By default anonymous callers may call and describe on loopback and nothing beyond, see [WithAccess]; the health of
// the collector as a whole is open to all, for load balancers. Who may not call is told so, and not which policy decided: that
// is in the history, for those who may observe.
//
// # Errors
//
// Who failed is never lost. The error of a handler arrives with its code, message, details, headers and trailers. A failure
// of the mesh has a reason, see mesh.ReasonOf, and says whether the handler may have run; the end of the caller's own time,
// and over HTTP an unknown method, look as on any server. A handler that answers with the error of a call it made itself
// says so by [PassOn].
//
// Where an answer has a Status, as those of [Dispatcher.Connect], [Dispatcher.Dispatch] and [Dispatcher.Serve], refusals are
// in it and the error is nil.
//
// # Options
//
//	what is kept        WithStore, WithStoredHistory, WithHistory, WithConnectionStore
//	what may be called  WithRegistry, WithServerInterceptors, WithClientInterceptors, WithSources, WithoutReflection
//	who is trusted      WithAccess, WithTLS, WithPlaintext, WithForwardedAuthorization, WithForwardedCookies, WithConn
//	browsers            WithConsole, WithCORSOrigins
//	bounds and words    WithLimits, WithLogger, WithVersion
//
// Without options nothing is kept, everything registered may be called, only loopback is dialled and listened at, and the
// limits are those of [Limits].
//
// # What may be relied on
//
//   - One hop between collectors. A call that arrived from a peer or at Serve is run here or refused; what serves it cannot
//     reach a link. The calls of a [Client] enter where it has dialled.
//   - Only the collector where a call entered repeats it, at most twice, and only if it surely did not run or if its
//     descriptor declares it idempotent.
//   - Registration changes what is served at once, without a restart; the path of a call takes no lock.
//   - Exported methods are safe for concurrent use.
package dispatcher
