package frame

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	// Version is the one that this end speaks.
	Version = 3
	// MaxID bounds a collector id and a session id.
	MaxID = 256
	// maxGreeting bounds each frame before the end of the greeting: the fields of this version, and room for those of later
	// ones.
	maxGreeting = 4 << 10
	// NonceSize is the size of a nonce.
	NonceSize = 32
	// KeySize is the size of an Ed25519 public key.
	KeySize = 32
	// SignatureSize is the size of its signatures.
	SignatureSize = 64
)

// The flags of a HELLO.
const (
	helloEphemeral = 1 << iota
	helloBound
)

// Hello is what an end says of itself, with the limits that the other end has to keep to.
type Hello struct {
	CollectorID, SessionID string
	Window                 int // credit of a new call
	MaxMessage             int
	Ephemeral              bool // the key ends with the process
	Bound                  bool // the carrier of this end has a binding
	Nonce                  [NonceSize]byte
	Key                    [KeySize]byte
}

// VersionError is the HELLO of another version of the protocol.
type VersionError uint64

func (e VersionError) Error() string {
	return fmt.Sprintf("the other end speaks version %d of the link protocol, this end version %d: run the same release on both", uint64(e), Version)
}

// Append appends the payload of a HELLO. Fields that later versions add come behind these, where this one does not look.
func (h *Hello) Append(b []byte) []byte {
	b = binary.AppendUvarint(b, Version)
	b = AppendText(b, h.CollectorID)
	b = AppendText(b, h.SessionID)
	b = binary.AppendUvarint(b, uint64(h.Window))
	b = binary.AppendUvarint(b, uint64(h.MaxMessage))
	b = binary.AppendUvarint(b, h.flags())
	b = append(b, h.Nonce[:]...)
	return append(b, h.Key[:]...)
}

func (h *Hello) flags() (flags uint64) {
	if h.Ephemeral {
		flags |= helloEphemeral
	}
	if h.Bound {
		flags |= helloBound
	}
	return flags
}

// ReadHello checks the limits, so that nothing later has to: a window that no part fits into would stall every call, and
// larger ones than an int holds would overflow. The collector id may be empty here; whose link it is, package conn judges.
func ReadHello(body []byte) (Hello, error) {
	p := &Payload{B: body}
	version := p.Uvarint()
	if p.Err == nil && version != Version {
		return Hello{}, VersionError(version)
	}
	h := Hello{CollectorID: p.Text(MaxID), SessionID: p.Text(MaxID)}
	window, maxMessage := p.Uvarint(), p.Uvarint()
	if p.Err == nil && (window < PartSize+MessageCost || window > 1<<30 || maxMessage == 0 || maxMessage > math.MaxInt32) {
		p.Fail("limits out of range")
	}
	h.Window, h.MaxMessage = int(window), int(maxMessage)
	flags := p.Uvarint()
	h.Ephemeral, h.Bound = flags&helloEphemeral != 0, flags&helloBound != 0
	p.fill(h.Nonce[:])
	p.fill(h.Key[:])
	return h, p.Err
}

// fill reads as many bytes as field has.
func (p *Payload) fill(field []byte) {
	if p.Err == nil && len(p.B) < len(field) {
		p.Fail("truncated field")
	}
	p.B = p.B[copy(field, p.B):]
}

// Greeting reads one frame under the bound of a stranger's.
func (r *Reader) Greeting() (Header, []byte, error) {
	r.limit = maxGreeting
	defer func() { r.limit = maxPayload }()
	return r.Next()
}
