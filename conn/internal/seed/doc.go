// Package seed carries calls to peers that speak only the contract of the seed: gRPC over HTTP/2, a call as unary Serve.
//
// # Words
//
//	path  the way to one such peer. Nothing is dialled before the first call, and nothing is lost before a call fails
//	call  one unary call, packed into the envelope of Serve: its message as an Any, its headers as execution context
package seed
