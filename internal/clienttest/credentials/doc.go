// Package credentials shows collectors what callers show of who they are, with clients that this project did not write:
// grpc-go, connect-go and grpcio for Python.
//
// Words used here:
//
//   - credential: a token, an API key or a certificate, or several of them, and what must come of it.
//   - way: an RPC by which a client comes to the method, such as a stream or a call in an envelope.
//   - entrance: the collector that is asked. The method is on b; a is linked to it.
package credentials
