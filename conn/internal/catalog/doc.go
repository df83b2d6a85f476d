// Package catalog has what collectors tell each other that they serve.
//
// # Words
//
//	set      what a collector serves at one moment: methods and the files that declare them, by namespace
//	change   a method or schema that comes, differs or goes, encoded once for all peers
//	digest   the sum of the hashes of all that is in a set, as it was encoded; both ends come to the same
//	Own      the set of this collector, with the last changes to it
//	Teller   what one peer was told, and holds: it makes the next announcement, of changes or of the full set
//	base     the set that a peer holds, which changes are told of
//
// An announcement has the changes since the base, or the full set where there is no base or the changes are too many. The peer
// says whether it holds what it was told. If it does not, the next announcement is the full set. So any loss, any error and any
// disagreement ends with both ends at the same set.
//
// # States of a Teller
//
//	state    what comes                                                leads to
//	new      Next: the full set                                        told
//	told     Next: nothing, or the goodbye if this collector leaves    told
//	told     Taken, and the peer holds it                              held
//	told     Taken, and the peer does not hold it                      doubted
//	held     Next, if something changed: the changes or the full set   told
//	doubted  Next: the full set                                        told
//
// Who refuses changes is told the full set at once. Who refuses a full set is told the next when something has changed, as it would
// refuse the same one again.
//
// A set never changes, and the next shares with it all that is the same: a change costs what changed.
package catalog
