// Package conn knows who can be reached: the connections of this collector, their states, their persistence, and the
// table of peers that routing reads.
//
// # Words
//
//	peer        another collector that this one knows
//	connection  the agreed relation of two collectors: shared namespaces, state, counters. One per pair; its id is
//	            computed from the two collector ids, so both sides call it by the same name. Persisted.
//	link        the live byte stream of a connection (package conn/link). In memory only; both sides open calls on it
//	line        what carries the calls of a connection at the moment: a link or, to a seed peer, gRPC
//	initiator   the collector that dialled a link
//	acceptor    the collector that was dialled. It never dials back the address that the initiator claims
//	catalog     the methods a collector serves, told to its peers over the link, always the full set
//	session     one run of a collector process; tells a restart from a reconnect
//	seed peer   a collector that speaks only the seed's protocol: no link, no catalog; calls go to it as unary Serve
//	            over gRPC
//	consumer    a process that only calls: it has a link, and is no peer. Nothing is recorded of it, nobody is told of it
//	entrance    the peer of a consumer, which routes the calls of that
//
// # Life of a connection
//
//	          ConnectTo / HandleConnect
//	(none) ──────────────────────────────▶ ACTIVE ◀──── a call ──── IDLE
//	                                        │  └── 5 min without ──▶ │
//	               link lost, or a restart  ▼                        ▼
//	       ACTIVE ◀── agreed again ────── STALE ◀────────────────────┘
//	                                        │
//	          Disconnect by either side,    ▼            refused for good by the peer
//	          a goodbye of the one        CLOSED                 FAILED
//	          that had dialled
//
// The side that dialled (with ConnectTo, in this run or an earlier one) dials a stale connection again, with
// exponential backoff and full jitter, until it is active or somebody disconnects it. CLOSED and FAILED are left only
// by a new ConnectTo from either side; CLOSED by a goodbye also when the peer comes back. A connection that is CLOSED,
// FAILED, or STALE on the side that was dialled is dead: the dead are forgotten after a day, and when there are many.
//
// # What may be relied on
//
//   - A change of state is on disk before the call that made it returns, and before the other side hears of it. The one
//     exception is the loss of a link, which nobody asked for: the table drops the peer at once and the record follows.
//   - Readers take an immutable [Table] and hold no lock. A route decided on a table stays usable when the connection
//     moves to another link meanwhile: [Peer.Open] takes the link of the moment.
//   - Two links between the same two collectors, as when both dial: the one whose initiator has the smaller collector
//     id stays, the other is drained. A peer that comes back with another session replaces what it had before.
//   - Who is called what is a claim, unless [WithIdentity] wants a certificate for it: then nobody is linked with, or
//     connected without a link, who has not proved the id. What holds in any case: a link speaks for one id only, an
//     address that somebody claims is not dialled, and a request without a link cannot touch a connection that has one
//     or is being dialled again.
package conn
