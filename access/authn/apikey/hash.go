package apikey

import "encoding/hex"

// hashPrefix says in the file how a key is hashed, so that another way can come without doubt about old lines.
const hashPrefix = "sha256:"

// Hash is the SHA-256 of a key. It is no secret: a key cannot be found from it.
type Hash [32]byte

// String is the hash as the file has it.
func (h Hash) String() string { return hashPrefix + hex.EncodeToString(h[:]) }

// Fingerprint is the first eight digits of the hash, to tell the keys of one name apart.
func (h Hash) Fingerprint() string { return hex.EncodeToString(h[:4]) }
