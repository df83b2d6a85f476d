// Package meshservice is the MeshService of a collector: the mesh as it sees it, for the console, the command line and
// programs.
//
//   - [Service] answers what it knows itself, from parts that it is given in its [Config], and asks its peers for theirs where
//     a question is about the whole mesh. Who may ask what is decided before, see package authz.
//   - [NewNeighbour] is the little of it that peers may ask over a link, so that no question goes round.
package meshservice
