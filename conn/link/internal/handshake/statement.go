package handshake

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

const (
	transcriptLabel = "collective link 2 transcript\x00"
	initiatorLabel  = "collective link 2 proof of the initiator\x00"
	acceptorLabel   = "collective link 2 proof of the acceptor\x00"
	secretLabel     = "collective link 2 mesh secret"
)

// transcript is what both ends have said and heard. Lengths precede the pieces, so that no two exchanges have the same.
func transcript(initiator, acceptor, binding []byte) []byte {
	h := sha256.New()
	h.Write([]byte(transcriptLabel))
	for _, piece := range [][]byte{initiator, acceptor, binding} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(piece))))
		h.Write(piece)
	}
	return h.Sum(nil)
}

// statement is what an end proves, in its role.
func statement(initiator bool, transcript []byte) []byte {
	label := acceptorLabel
	if initiator {
		label = initiatorLabel
	}
	return append([]byte(label), transcript...)
}

// prove signs a statement, and shows with it that this end knows its secrets.
func prove(key ed25519.PrivateKey, secrets []Secret, statement []byte) frame.Proof {
	proof := frame.Proof{Signature: [frame.SignatureSize]byte(ed25519.Sign(key, statement))}
	for _, s := range secrets {
		proof.MACs = append(proof.MACs, s.mac(statement))
	}
	return proof
}

// Secret is a secret of the mesh, made ready for proofs. It cannot be printed.
type Secret struct{ key [sha256.Size]byte }

// MinSecret is the fewest bytes of a secret: who gets a MAC may guess at the secret for as long as they like.
const MinSecret = 32

// NewSecrets makes secrets ready, which may be MaxMACs at most.
func NewSecrets(secrets [][]byte) ([]Secret, error) {
	if len(secrets) > frame.MaxMACs {
		return nil, fmt.Errorf("link: %d mesh secrets, at most %d are accepted at once: remove those that no collector uses any more",
			len(secrets), frame.MaxMACs)
	}
	ready := make([]Secret, len(secrets))
	for i, s := range secrets {
		if len(s) < MinSecret {
			return nil, fmt.Errorf("link: a mesh secret of %d bytes could be guessed: give it %d random bytes or more", len(s), MinSecret)
		}
		key, err := hkdf.Key(sha256.New, s, nil, secretLabel, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("link: mesh secret: %w", err)
		}
		copy(ready[i].key[:], key)
	}
	return ready, nil
}

func (s *Secret) mac(statement []byte) (mac [frame.MACSize]byte) {
	h := hmac.New(sha256.New, s.key[:])
	h.Write(statement)
	return [frame.MACSize]byte(h.Sum(mac[:0]))
}

// knows reports whether a proof shows one of the secrets.
func knows(secrets []Secret, proof *frame.Proof, statement []byte) bool {
	found := false
	for i := range secrets {
		want := secrets[i].mac(statement)
		for j := range proof.MACs {
			found = hmac.Equal(want[:], proof.MACs[j][:]) || found
		}
	}
	return found
}

// String keeps the secret out of what is printed. So do GoString and Format.
func (Secret) String() string { return "[mesh secret]" }

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format is String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }
