package digest

import (
	"crypto/sha256"
	"unsafe"
)

// Digest is the SHA-256 of a credential.
type Digest [sha256.Size]byte

// Of hashes a credential without a copy of it: it is done for each call that shows one, and a copy would stay in memory until
// it is collected. The bytes of the string are only read.
func Of(credential string) Digest {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(credential), len(credential)))
}
