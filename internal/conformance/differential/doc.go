// Package differential tests that nobody can tell a routed call from a direct one: thousands of random calls are made to
// a plain connect-go server, to the collector that runs them, and to one that has to forward them, and everything that
// came back over HTTP is compared byte by byte. The same calls go over the transport of the forwarding collector, where
// what generated code sees is compared.
//
// Words:
//
//	plan    one random call, made from a seed: the same for every target, handler included
//	target  where a plan is carried out
//	trace   what a client saw of it
package differential
