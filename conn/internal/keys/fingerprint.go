package keys

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// Fingerprint is the fingerprint of a key as ssh-keygen prints it; "none" for no key.
func Fingerprint(key ed25519.PublicKey) string {
	if len(key) == 0 {
		return "none"
	}
	const kind = "ssh-ed25519"
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(kind)))
	blob = append(blob, kind...)
	blob = binary.BigEndian.AppendUint32(blob, uint32(len(key))) //nolint:gosec // 32
	sum := sha256.Sum256(append(blob, key...))
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}
