package frame

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
)

const (
	// MACSize is that of what proves a secret.
	MACSize = 32
	// MaxMACs bounds those of one PROOF, and with them the secrets of an end.
	MaxMACs = 4

	maxReason = 64
	maxText   = 1 << 10
)

// Proof is what an end shows for its HELLO.
type Proof struct {
	Signature [SignatureSize]byte
	MACs      [][MACSize]byte // one for each secret; none: this end has none
}

// Append appends the payload of a PROOF. Fields that later versions add come behind these.
func (f *Proof) Append(b []byte) []byte {
	b = append(b, f.Signature[:]...)
	b = binary.AppendUvarint(b, uint64(len(f.MACs)))
	for i := range f.MACs {
		b = append(b, f.MACs[i][:]...)
	}
	return b
}

// ReadProof reads the payload of a PROOF.
func ReadProof(body []byte) (Proof, error) {
	p := &Payload{B: body}
	var f Proof
	p.fill(f.Signature[:])
	n := p.Uvarint()
	if n > MaxMACs {
		p.Fail(fmt.Sprintf("proof of %d secrets", n))
		n = 0
	}
	for range n {
		var mac [MACSize]byte
		p.fill(mac[:])
		f.MACs = append(f.MACs, mac)
	}
	return f, p.Err
}

// Refused is why an end takes no link: a word for programs and a sentence.
type Refused struct{ Reason, Text string }

// Append appends the payload of a REFUSED. What is too long is cut.
func (f Refused) Append(b []byte) []byte {
	return AppendText(AppendText(b, cut(f.Reason, maxReason)), cut(f.Text, maxText))
}

// ReadRefused reads the payload of a REFUSED. Who sent it may be a stranger: what cannot be printed is left out.
func ReadRefused(body []byte) (Refused, error) {
	p := &Payload{B: body}
	f := Refused{Reason: printable(p.Text(maxReason)), Text: printable(p.Text(maxText))}
	return f, p.Err
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return -1
	}, s)
}
