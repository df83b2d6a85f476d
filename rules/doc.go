// Package rules refuses requests that break the protovalidate rules of the schema of the handler that they are for. It is
// a module of its own, so that programs without rules do not carry a CEL engine.
//
//	rule       a buf.validate option in a .proto file: how long a text may be, which number is too large
//	violation  a field of a message that breaks a rule
//
// Write the rules beside the fields:
//
//	import "buf/validate/validate.proto";
//
//	message Order {
//	  int32 quantity = 1 [(buf.validate.field).int32.gte = 1];
//	}
//
// and give the collector the interceptor:
//
//	d, err := dispatcher.New(id, address, namespaces, dispatcher.WithServerInterceptors(rules.NewServerInterceptor()))
//
// A handler never sees an order of no pieces: its caller gets invalid_argument with the field, the rule and, as details, a
// buf.validate.Violations, over whatever entrance the call came. On a stream, Receive of the handler fails at that message.
//
// The rules that count are those of the descriptors with which this process registered its handlers. A call that runs on
// a peer is judged there, by the peer's own rules: a schema that came over a link, or that a request stored in the
// registry, is never evaluated, since rules are programs.
package rules
