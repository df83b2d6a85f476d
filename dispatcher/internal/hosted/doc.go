// Package hosted holds what is registered on this collector: its methods, and the files that declare them.
//
//   - A [Method] is a procedure in a namespace, with the server that runs it. It never changes.
//   - A [Snapshot] is all methods of one moment. It never changes either, so that calls read it without a lock.
//   - The [Set] holds the snapshot that is served now; registering replaces it.
//   - [Files] are the schemas of a snapshot, encoded once for all peers.
//
// Nothing here knows a peer or runs a call.
package hosted
