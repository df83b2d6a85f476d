// Package registry knows what may be called: the schemas of a collector's services, namespace by namespace.
//
// A collector that has one validates every call and serves the CollectorRegistry service on its port:
//
//	file, err := store.Open("state.db") // or none: what is registered is then forgotten with the process
//	…
//	known, err := registry.New(ctx, registry.WithStore(file))
//	…
//	d, err := dispatcher.New("orders-1", "127.0.0.1:50051", []string{"orders"}, dispatcher.WithRegistry(known))
//
// From then on services that the process registers with the dispatcher are known here by themselves. Others are registered by
// request, with `collector register` or any client of the service. A collector without a registry of its own asks that of
// another with [NewGRPCRegistryValidator].
//
// # Words
//
//	service     the descriptor of a protobuf service in a namespace
//	local       brought in by the process itself, with [Registry.AddService]; lives as long as the process
//	registered  brought in by a request of the CollectorRegistry service; kept in the database
//	file        a .proto file as a descriptor; a namespace resolves names among its own files and those of
//	            google/protobuf, and nowhere else
//	short name  the last part of a service's full name; usable wherever it can mean one service only
//	revision    a number that grows with every change, over restarts too
//
// A [Registry] is at once the validator that a dispatcher asks before it runs a call, and the handler of the
// CollectorRegistry service. Its errors are Connect errors, so that whoever asks keeps the code: not_found for what is
// not registered, failed_precondition for an ambiguous name, unavailable for a registry that cannot be asked.
//
// What comes in by request is foreign. Its size is limited before anything is built from it, and it is accepted whole
// or refused with every reason. What a namespace holds can change compatibly; breaking changes have to be forced.
//
// # How it is held
//
// All that the registry knows at one moment is one immutable view; readers load a pointer and take no lock. A change makes
// the next version of one namespace, which shares with the one before all but what is different, writes down what is to be
// kept, and only then publishes it: nobody is told of what a crash could take back. Writers take turns.
package registry
