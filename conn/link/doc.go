// Package link is the wire between two collectors: a connect transport over one duplex byte stream.
//
// Both ends of a [Link] open calls on it; who dialled no longer matters once it is up. The calling end is a
// [connect.Transport] ([Link.Transport], [Link.Open]); the serving end hands each arriving call to a [Handler], which
// has the shape of [connect.Server.Call]. The package knows ids, frames, credit and deadlines. It knows nothing of
// routing, of what a namespace means, or of storage, and can be used alone.
//
// # Words
//
//	link       the live stream between two collectors, with everything that runs on it
//	initiator  the end that dialled; its calls have odd ids
//	acceptor   the end that was dialled; its calls have even ids
//	call       one RPC of any stream kind
//	credit     message bytes that an end may still send on a call before the other end grants more
//	part       a piece of a message, at most 16 KiB; parts of different calls take turns
//
// # Why it is fast
//
// Callers append whole frames, which they have encoded before, to one outgoing buffer under a short mutex. One goroutine
// writes. It yields the processor first, so that all calls that are ready in the same moment leave in one system call; the
// other end reads them in one. A unary call is one frame each way. The parts of large messages are written from where the
// message was encoded.
//
// The memory of a unary call is used again, if its caller is of this module and vouches that nobody holds it. What a handler
// or caller may keep is not: its context, its CallInfo and the stream that it holds, which is closed.
//
// # Parts
//
//	Link            is assembled of the parts below and ends them, once
//	reader          hands arriving frames to the caller, the server, liveness and the catalogs
//	caller          the calling end: opens calls (clientStream), and has the table of those that run
//	server          the serving end: admits calls (serverCall), runs handlers, and has the table of those
//	sender          sends messages of a call within its credit
//	receiver        brings messages to who receives them, grants credit, and bounds what a link holds
//	liveness        pings
//	drain           ends a link in order
//	core            what every call needs of the above, on either end
//	internal/outbox gathers frames, and has the writer
//	internal/handshake proves both ends to each other, before there is a Link
//
// # Wire
//
// Integers in the header are big endian, those in payloads are uvarints (encoding/binary). A text is a uvarint length
// and that many bytes. On the stream, however it was opened, both ends send a HELLO, then a PROOF, and then any other frame:
//
//	 bytes  4        1       1       6        length
//	┌────────┬───────┬───────┬────────┬─────────────┐
//	│ length │ type  │ flags │  call  │   payload   │   length counts the payload only
//	└────────┴───────┴───────┴────────┴─────────────┘
//
//	type  name     call  payload
//	 1    HELLO     0    version (3), collector id text, session id text, window, largest message,
//	                     bits (1: the key is ephemeral, 2: the carrier has a binding), nonce of 32 bytes, key of 32 bytes
//	 2    OPEN      id   name ref [definition], timeout in µs + 1 (0: none), [metadata], [message]
//	 3    MESSAGE   id   [size of the whole message, on the first of several parts], bytes
//	 4    HEADERS   id   metadata: response headers that precede the first message
//	 5    END       id   [code, message text, count, details], [headers, trailers], [message]
//	 6    CANCEL    id   empty: the caller gave up
//	 7    WINDOW    id   credit: message bytes that may be sent in addition; 0: the one that sends this waits for some
//	 8    PING      0    8 bytes, returned in the PONG
//	 9    PONG      0    8 bytes of the PING; 8 zeroes unasked, by an end that only reads
//	10    CATALOG   0    [revision and size, on the first part], bytes
//	11    GOAWAY    0    last call id that was accepted, reason text
//	12    PROOF     0    signature of 64 bytes, count, MACs of 32 bytes
//	13    REFUSED   0    reason text, a sentence: this end takes no link with the other, and hangs up
//	14    TAKEN     0    revision: this end is done with that catalog and those before it
//
//	flag  name       on               meaning
//	0x01  more       MESSAGE CATALOG  more parts of the same message follow
//	0x02  half-close OPEN MESSAGE     the caller sends no more messages
//	                 GOAWAY           nothing runs on this end any more: hang up
//	0x04  message    OPEN MESSAGE END a message (on MESSAGE: or a part of one) is present
//	      message    CATALOG          always set
//	0x08  metadata   OPEN END         metadata is present
//	0x10  error      END              the call failed
//	                 TAKEN            this end does not hold what the catalog says
//	0x20  deadline   CANCEL           the caller gave up because its deadline passed
//	0x40  first      MESSAGE CATALOG  the first of several parts; the size of the whole precedes it
//	0x80  flush      HEADERS          the handler sent them off: they do not wait for the first message
//
// Credit: an end may send as many message bytes of a call as the window in the other end's HELLO, plus what WINDOW
// frames grant. A message costs its bytes and 16 more, with its first part. The only message of a unary request counts
// like any other, that of an END is free. A call begins with 256 KiB. If its sender waits for credit although everything
// was received, it is not the receiver that is slow, and the window doubles, up to 4 MiB: as long as it holds fewer than
// 64 messages, or if the way there and back takes more than 2 ms.
//
// Catalogs have grown numbers, and the next waits for the TAKEN of the last: so the end that takes them says how often, and the
// other has the changes of meanwhile in one. Only one of 64 bytes or less, which says that its sender is leaving, may come
// before. Who does not keep to that has broken the protocol.
//
// A name ref is the small number of a (namespace, procedure, codec, stream kind, idempotency level, caller) tuple; ref 0
// brings the tuple in full, with the number it gets from then on. The table takes 4096 tuples and 4 MiB of their texts: one that
// has no room gets number 0, and comes in full each time. Namespace, procedure and codec text have 1 KiB together, the
// caller text, which says for whom the call is made, 4 KiB. The two numbers in the middle are a byte each. Metadata is a
// length in bytes and that many bytes of (name text, count, value texts). A detail is a type text and a value text.
//
// An end that hears nothing for 2 s sends a PING, and one that then hears nothing for 1 s takes the other for dead. So an
// end that goes on reading says so every half second if it has nothing else to say: the PING may be behind what it reads.
//
// # Proofs
//
// Each end has an Ed25519 key. The initiator sends its PROOF when it has the HELLO of the other, and the acceptor sends its own
// when it has verified that and [Proof.Accept] has agreed; the initiator then does the same. Until then nothing else is read.
// All of it takes two seconds at most, and a frame of it has at most 4 KiB. A PROOF is about both HELLOs as they were sent,
// so about both nonces, ids, sessions, keys and windows; about the binding of the carrier; and about the role of who
// sends it. Package internal/handshake says it byte by byte.
//
// What the proofs promise: the other end had the key in its HELLO, and knew the secret, when this link began. A proof that was
// recorded is worth nothing on another link, for the nonces differ; this end's own is not when it comes back, for the role
// differs; that of another connection is not when it is passed on, for under TLS the binding differs; and no HELLO can be put
// together from two, or changed. A stranger who dials gets no proof.
//
// What they do not promise: that a key belongs to a collector id, which [Proof.Accept] judges; anything about the bytes behind
// the greeting, which TLS protects, so that without TLS whoever is on the way may pass a greeting through and then read and
// change the rest; and the secrecy of a secret that can be guessed, since who is dialled gets a MAC: so it has 32 bytes.
//
// An end of another version is told so by a HELLO of this one, which that version refuses by its number.
//
// # Frames that are skipped
//
// Frames of an unknown type and late frames of a finished call are skipped. Malformed frames close the link; the
// reason is in [Link.Err].
//
// # The life of a call
//
// A call has one state on either end, which all that concerns the call as a whole moves. On the calling end the frames
// named below are those that it sends, and the END that it gets; on the serving end it is the other way round.
//
//	                     cancel, deadline, limit, link-lost, no-open
//	            ┌──────┐                                             ┌─────────┐
//	            │ idle ├────────────────────────────────────────────▶│ refused │
//	            └─┬──┬─┘                                             └─────────┘
//	         OPEN │  │ OPEN-whole: it brings the half-close
//	      ┌───────▼┐ │
//	  ┌───┤  open  ├─┼──────────────────┐
//	  │   └───────┬┘ │                  │
//	  │ half-close│  │                  │
//	  │   ┌───────▼──▼──┐               │ cancel, deadline, limit, link-lost
//	  │   │ half-closed ├───────────────┤
//	  │   └──────┬──────┘               │
//	  │ END      │ END                  │
//	  │   ┌──────▼───┐            ┌─────▼───┐
//	  └──▶│ answered │            │ aborted │
//	      └──────┬───┘            └─────┬───┘
//	      return │   ┌────────┐         │ return
//	             └──▶│ closed │◀────────┘
//	                 └────────┘
//
//	state        OPEN  OPEN-whole   half-close   END       cancel   deadline  limit    link-lost  no-open  return
//	idle         open  half-closed  -            -         refused  refused   refused  refused    refused  -
//	open         -     -            half-closed  answered  aborted  aborted   aborted  aborted    -        -
//	half-closed  -     -            -            answered  aborted  aborted   aborted  aborted    -        -
//	answered     -     -            -            -         -        -         -        -          -        closed
//	aborted      -     -            -            -         -        -         -        -          -        closed
//	refused      -     -            -            -         -        -         -        -          -        -
//	closed       -     -            -            -         -        -         -        -          -        -
//
// Events that the table refuses have come too late and change nothing; only a frame that its sender must not send closes
// the link. An abort by this end sends CANCEL if it called, and END with the error if it serves. A limit is one of size,
// or a message that cannot be read. "link-lost" is also a GOAWAY that leaves the call out, and "no-open" an OPEN that this
// end cannot send. "return" is Receive telling the caller the end, or the handler returning: then the memory may be used
// again, if it was answered.
//
// Each receiving half has a state of its own, since what has arrived is handed out after END has ended the call, and its
// receiver may be far behind:
//
//	               last             popped
//	┌───────────┐        ┌──────────┐     ┌─────────────┐
//	│ receiving ├───────▶│ complete ├────▶│ handed-over │
//	└─────┬─────┘        └────┬─────┘     └─────────────┘
//	      │ abort, drop       │ drop
//	      └─────────┬─────────┘
//	            ┌───▼────┐
//	            │ failed │
//	            └────────┘
//
//	half         last      popped       abort   drop
//	receiving    complete  -            failed  failed
//	complete     -         handed-over  -       failed
//	handed-over  -         -            -       -
//	failed       -         -            -       -
//
// "last" is a half-close or an END, "popped" that Receive has all that is left, "abort" that the call was aborted, and
// "drop" that the receiver wants no more although messages are there. HEADERS move neither: both halves go on.
//
// The serving end knows beside that what the handler has made of the response. Only the handler moves it, and it does not
// move the life of the call:
//
//	         the only message    ┌──────┐  return: END brings the headers, the message and the verdict
//	          ┌─────────────────▶│ held ├──────────────────────────────────────────────┐
//	┌─────────┴┐                 └──────┘                                              ▼
//	│ awaited  ├──────────────────────────────────────────────────────────────────▶ END sent
//	└─────────┬┘  return without a message                                             ▲
//	          │                  ┌───────┐  return: END brings the trailers            │
//	          └─────────────────▶│ begun ├─────────────────────────────────────────────┘
//	   headers or first message  └───────┘
//
// A response of one message goes by "held", one of a stream by "begun": so a unary answer is one frame. A second message
// of the former is the handler's mistake, and its SendHeaders sends nothing.
//
// The calling end knows of its response headers how they have come, which the reader moves, once:
//
//	           HEADERS with flush    ┌─────────┐
//	          ┌─────────────────────▶│ flushed │  a Receive of headers alone returns now
//	┌─────────┴┐                     └─────────┘
//	│ awaited  │
//	└─────────┬┘  HEADERS without    ┌──────┐
//	          └─────────────────────▶│ came │  they are told with the first message
//	                                 └──────┘
//
// A second HEADERS closes the link. Headers that END brings move nothing.
//
// # Bounds
//
// See [Limits]. What a link holds is counted as the memory that it takes, in package internal/account: a call with its handler,
// metadata as a map, buffers with what is unused of them. A quarter of MaxHeld can be lent to calls beyond their first
// 256 KiB, and a quarter is promised to messages of more than 128 KiB, for all of their bytes, before they get credit beyond a
// window: so those that have begun become whole, and the others wait. A call over its credit or over the link's queue waits
// with its context; a call that waits for credit for 30 s fails with resource_exhausted. Encoded messages of more than 16 KiB that
// have not left take as much as MaxHeld together: more of them wait to be encoded, as long as others move. A link with a stranger
// ([Config.Unagreed]) holds 64 KiB and one call, and reads frames of 32 KiB: a call beyond that is refused, names, catalogs and
// frames beyond it end the link.
package link
