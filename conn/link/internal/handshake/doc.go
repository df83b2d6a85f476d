// Package handshake proves both ends of a link to each other, before anything else is read from it.
//
// Both ends send a HELLO at once. Then the initiator proves itself, and only an initiator that was believed gets the proof of
// the acceptor: a stranger who dials learns nothing that was made with a key or a secret.
//
//	initiator                acceptor
//	    │ HELLO      HELLO │
//	    ├───────▶  ◀───────┤
//	    │ PROOF            │
//	    ├─────────────────▶│ verifies, and asks Accept
//	    │            PROOF │
//	    │◀─────────────────┤
//	    │ verifies, and asks Accept
//
// An end that does not believe the other says why in a REFUSED, in the place of its PROOF or behind it, and hangs up.
//
// # Words
//
//	transcript  both HELLOs as they went over the wire, and the binding: what a proof is about
//	binding     a value that only the two ends of one TLS connection know; empty without TLS
//	role        initiator or acceptor; the proof of one is none of the other
//	secret      what all collectors of a mesh know, if their operator wants that
//
// # Proofs
//
// All lengths are 4 bytes, big endian.
//
//	transcript = SHA-256("collective link 2 transcript" 0x00
//	             length(HELLO of the initiator) HELLO  length(HELLO of the acceptor) HELLO  length(binding) binding)
//	statement  = "collective link 2 proof of the initiator" 0x00 transcript      (or "… of the acceptor")
//	signature  = Ed25519 by the key in the HELLO of who proves, over the statement
//	MAC        = HMAC-SHA256 over the statement, by HKDF-SHA256(secret, no salt, "collective link 2 mesh secret", 32 bytes)
//
// A HELLO is its payload, without the header of the frame. Each has a nonce of 32 random bytes.
package handshake
