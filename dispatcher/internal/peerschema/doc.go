// Package peerschema learns the schemas of the methods that peers serve, so that this collector can show them, decode what
// is inside of them, and keep calls away from those who would misunderstand them.
//
//   - A peer's catalog names the files of each namespace by their hashes. The [Learner] pulls those that it does not have, of
//     one peer one namespace at a time, each content once, and refuses what is malformed or too large: nobody is believed.
//   - A [Schema] is what came of it for a namespace of a peer, a [Source]; peers with the same files share one.
//   - [Known] is all of them at one moment, with what comparing the schemas of one method has found. It never changes, so
//     that calls look things up in it without a lock. Routing sees it as a routing.Schemas and no more.
//   - [NewService] is the other side: it answers peers the files of what is registered here.
//
// Nothing that is written in a schema, such as a rule, is ever evaluated.
package peerschema
