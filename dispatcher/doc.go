// Package dispatcher decides where a call goes and takes it there. A [Dispatcher] is a collector: it hosts methods in
// namespaces, knows its peers through package conn, and answers any call for any method of the mesh, here if it can,
// on the right peer if it must.
//
// # Words
//
//	collector   one process of the mesh; its id is its identity
//	namespace   the isolation unit; a call is always in one, and peers share some of theirs
//	procedure   `/package.Service/Method`, the one spelling of a method inside
//	method      a procedure registered in a namespace of this collector
//	entrance    where a call comes in: the native path, Dispatch, Serve, a link, or [Dispatcher.Transport]
//	view        what routing may look at: the methods registered here joined with what the peers told, immutable
//	decision    what the pure function route makes of a call and a view: run it here, on these peers in this order,
//	            or refuse it for a stated reason
//	executor    the collector on which the handler ran
//	typed       a handler with the messages of its descriptor; untyped: the seed's func(ctx, any) (any, error)
//
// # Which door to use
//
// A client of the mesh needs nothing from here: any Connect, gRPC or gRPC-Web client pointed at any collector calls
// `/package.Service/Method`. A process that hosts methods builds a Dispatcher with [New], registers (five ways:
// [Dispatcher.Register], [Handle], [Dispatcher.RegisterImplementation], [Dispatcher.RegisterDynamic],
// [Dispatcher.RegisterService]), serves [Dispatcher.Handler], with [WithConsole] a page for browsers too, and reaches others
// through [Dispatcher.ConnectTo]. Its own code calls the mesh with generated clients over [Dispatcher.Transport]. A process
// that only calls uses [Dial].
//
// # What may be relied on
//
//   - One hop. A call that arrived over a link or at Serve is run here or refused; what serves it cannot reach a link.
//   - Who failed is never lost. A handler's error arrives with its code, message, details, headers and trailers. A
//     failure of the mesh carries the error detail collector.mesh.v1.CallFailure, with a stable reason and whether the
//     handler may have run. The end of the caller's own time, and over HTTP an unknown method, look as on any server.
//   - Only the collector where a call entered repeats it, at most twice, and only if it surely did not run or if its
//     descriptor declares it idempotent.
//   - Registration changes what is served at once, without a restart; the path of a call takes no lock.
package dispatcher
