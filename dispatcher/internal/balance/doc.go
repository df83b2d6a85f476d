// Package balance chooses among peers that serve the same. It does no I/O, reads no clock and takes no lock: the same members and
// the same numbers give the same choice, so that it can be explained.
//
//   - A [Member] is one of them, with what is known of it. A [Pool] is all that a call may go to.
//   - A [Ranking] is their order: the near ones, of which calls choose, and then those that are tried only after them.
//   - A [Choice] is the order for one call. It draws two different near members and begins with the one on which the call costs
//     less. Two, and the better of them, spreads calls nearly as well as the best of all would, and unlike that it does not
//     send all callers of a moment to the same peer.
//   - An affinity is what calls have in common that should go to the same member: a hash of a key, see [Affinity].
//
// First comes the zone, then the weight: what a member can take of calls, beside others.
package balance
