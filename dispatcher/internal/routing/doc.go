// Package routing decides where a call goes. It does no I/O, reads no clock and takes no lock: the same view, call and
// balance give the same decision, so that what is decided can be explained and tested.
//
//   - A [View] is everything that routing may look at: one immutable join of what is registered here and what the peers told.
//     [Join] makes it when either changes.
//   - In a view every namespace has a [NamespaceIndex] of its procedures, and every procedure an [Entry]: who serves it here or
//     elsewhere, and whose schema of it is another one.
//   - A [RoutePeer] is a peer as the router sees it, with its [Conn], by which calls go there.
//   - [View.Find] and [View.Resolve] find the procedure that a path or an envelope means; [Route] makes a [Decision] of a
//     [Call]: run it here, try these peers in this order, or refuse it. [Explain] tells what it made of each collector.
//
// Schemas it does not read. Whoever keeps those of peers answers what two of them come to, see [Schemas].
package routing
