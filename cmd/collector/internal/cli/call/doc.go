// Package call makes calls of methods whose types this binary does not know: by the schema that the collector tells.
//
// # Words
//
//	plan      find out which collector would run a method, and by which schema
//	refusal   what the router says of a call that has nowhere to go
//	envelope  a call by Dispatch or Serve, as untyped methods need it
package call
