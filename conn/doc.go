// Package conn knows who can be reached: the connections of this collector, their states, their persistence, and the
// table of peers that routing reads.
//
// # Words
//
//	peer        another collector that this one knows
//	connection  the agreed relation of two collectors: shared namespaces, state, counters. One per pair; its id is
//	            computed from the two collector ids, so both sides call it by the same name. Persisted.
//	link        the live byte stream of a connection (package conn/link). In memory only; both sides open calls on it
//	path        what carries the calls of a connection at the moment: a link or, to a seed peer, gRPC
//	initiator   the collector that dialled a link
//	acceptor    the collector that was dialled. It never dials back the address that the initiator claims, but to find out
//	            whether a peer that it had dialled itself has moved
//	catalog     the methods a collector serves, told to its peers over the link, always the full set
//	session     one run of a collector process; tells a restart from a reconnect
//	seed peer   a collector that speaks only the seed's protocol: no link, no catalog; calls go to it as unary Serve
//	            over gRPC
//	proof       how the peer has proved who it is on the link that it has now, see [Proof]
//	known key   the key that an id was first agreed with. Another one is refused until an operator says to forget it
//	claim       a link that says it is a collector of which another run may still be there
//	consumer    a process that only calls: it has a link, and is no peer. Nothing is recorded of it, nobody is told of it
//	entrance    the peer of a consumer, which routes the calls of that
//
// # Life of a connection
//
//	            agreed: ConnectTo here, or Connect of the peer
//	(none) ────────────────────────────────────────────────▶ ACTIVE ◀──── used ──── IDLE
//	                                                           │  └── 5 min quiet ───▶ │
//	                  lost: the path ended, or a restart       ▼                       ▼
//	         ACTIVE ◀── agreed again ─────────────────────── STALE ◀────────────────────┘
//	                                                           │
//	     disconnected by either side; departed: the peer       │        refused for good by the peer,
//	     had dialled, and said goodbye                         ▼        or Disconnect as failed
//	                                                        CLOSED                   FAILED
//
// A goodbye closes for good only if it is the peer's word: it is proven, or has the known key of its id. From anybody else
// it is a departure, or a loss if this side had dialled.
//
// What leads from STALE to CLOSED and FAILED leads there from ACTIVE and IDLE too. Who moves a connection:
//
//	event         moved by
//	agreed        the connector for ConnectTo, the acceptor for a Connect of the peer; both through agreements.agree
//	quiet, used   the keeper, each second, from the counters
//	lost          the goroutine of the link when it ends, a call that fails on the seed's path, the bound on one-way
//	              connections, and the records when they load those of an earlier run
//	departed      the goroutine of the link, if the peer had dialled and said before that it stops
//	disconnected  the disconnector for Disconnect and for a peer's goodbye; the redialer when the peer says that it
//	              has disconnected
//	refused       the disconnector for Disconnect as failed, and the redialer, on the verdict of the very peer
//
// The side that dialled (with ConnectTo, in this run or an earlier one) dials a stale connection again, with
// exponential backoff and full jitter, until it is active or somebody disconnects it. CLOSED and FAILED are left only
// by a new ConnectTo from either side; CLOSED by a goodbye also when the peer dials again. A connection that is CLOSED,
// FAILED, or STALE on the side that was dialled is dead: the dead are forgotten after a day, and when there are many.
//
// # Parts
//
// [Manager] conducts parts that each have fields of their own and know no part above them:
//
//	directory      the connections that are known, and the table; holds the state lock
//	recordKeeper   from the connections to the [Store] and back: writes, counters, the records of earlier runs
//	pruner         forgets the dead, by age and by number
//	catalogs       tells peers what is served here, takes what they tell
//	agreements     makes an agreement, a loss or an end the state of a connection
//	claims         judges who may be which collector: by certificate, mesh secret and key, and by who is there already
//	links          greets, runs and ends each link; checks the calls that arrive over it
//	admission      how many links there may be, and from whom; the doorway takes them in over HTTP
//	connector      asks others for connections; seedConnector asks those that take no links
//	requestReader  who asks here, and what it may not say
//	acceptor       answers who asks; consumers takes in those that only call
//	disconnector   ends connections for good
//	redialer       dials stale connections again
//	keeper         each second: states by use, writes that nobody waits for
//
// What they are made of and what knows no connection is below internal: dial and identity reach other collectors and
// know who was reached, keys and secret know by what somebody proves to be who he is, duplicate and expiry say which link
// stays and for how long, pace bounds how often something happens, seed is the path without a link, introduction reads what a collector says of itself, namesake
// remembers runs, store keeps records, lifetime owns the goroutines.
//
// # Locks
//
// They are taken in this order, and the later ones are held for moments:
//
//	connection.dialing  over a dial and its agreement
//	connection.turn     over a change of state and its write to the store
//	peerLink.taking     while a catalog of the peer is read and taken
//	directory.mu        the state lock: connections, what their links say of themselves, the table
//	catalogs.mu         while what is announced is replaced; never together with the state lock
//	linkSet.mu          the set of links
//	the others          admission.mu and the lock of lifetime: nothing else is taken under them
//
// The first two are semaphores: whoever waits for them gives up with its context. No mutex is held over I/O. Readers of
// the table and calls take none of them.
//
// # What may be relied on
//
//   - A change of state is on disk before the call that made it returns, and before the other side hears of it. The one
//     exception is the loss of a link, which nobody asked for: the table drops the peer at once and the record follows.
//   - Readers take an immutable [Table] and hold no lock. A route decided on a table stays usable when the connection
//     moves to another link meanwhile: [Peer.Open] takes the link of the moment.
//   - A link proves the key of its end before anything else may happen. An id that was met with a lasting key is not to be had
//     with another, in either direction, without a link, or after a restart. While a run of a peer answers, only the same key
//     in a later session takes its place. Links from other machines need the mesh secret or a certificate.
//   - The key of a peer is on disk before the agreement is answered.
//   - An accepted link holds 64 KiB and one call until it is agreed, whoever the other end has proved to be.
//   - A link does not outlive its certificates; the next one is there before, if there are newer ones.
//   - Two links between the same two collectors, as when both dial: the one whose initiator has the smaller collector
//     id stays, the other is drained.
//   - With [WithIdentity] nobody is linked with, or connected without a link, who has not proved the id by a certificate. What
//     holds in any case: a link speaks for one id only, an
//     address that somebody claims is not dialled, and a request without a link cannot touch a connection that has one
//     or is being dialled again.
package conn
