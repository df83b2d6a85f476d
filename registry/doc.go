// Package registry knows what may be called: the schemas of a collector's services, namespace by namespace.
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
package registry
