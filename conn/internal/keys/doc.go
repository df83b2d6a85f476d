// Package keys knows by which key a collector proves who it is: its own, and those of the collectors that it has met.
//
// # Words
//
//	own key      the Ed25519 key of this collector, made at its first start and kept beside its store
//	ephemeral    made for one run, by a collector that keeps nothing. It binds its id only while a link lives
//	known key    the key that an id was first met with. It is remembered from the first agreement on, as SSH remembers hosts,
//	             and another one under that id is refused until an operator says to forget it
//	proof        how the other end of a link has proved to be who it says, see [Proof]
//	vouched      somebody has said here that a key is the right one: an operator who dialled it, the mesh secret, a
//	             certificate. What only came and said a name is recognised when it comes again, and believed in nothing
//	fingerprint  SHA256: and the hash of a public key, as ssh-keygen prints it
package keys
