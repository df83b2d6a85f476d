// Package clienttest calls a mesh with clients that this project did not write: stubs generated for grpc-go, curl, buf curl
// and grpcurl.
// It is a module of its own, so that users of the library do not download grpc-go.
//
// Words used here:
//
//   - host: the program in the folder of that name, two linked collectors of which only the second hosts anything.
//   - asked: the collector a client talks to.
package clienttest
