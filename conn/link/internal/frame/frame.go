package frame

import (
	"encoding/binary"
	"fmt"
)

// Type is the type of a frame.
type Type uint8

// The types, see the table of package link.
const (
	TypeHello Type = iota + 1
	TypeOpen
	TypeMessage
	TypeHeaders
	TypeEnd
	TypeCancel
	TypeWindow
	TypePing
	TypePong
	TypeCatalog
	TypeGoaway
	TypeProof
	TypeRefused
	TypeTaken
)

// The flags, see the table of package link.
const (
	FlagMore uint8 = 1 << iota
	FlagHalfClose
	FlagMessage
	FlagMetadata
	FlagError
	FlagDeadline
	FlagFirst
	FlagFlush
)

// Sizes in bytes.
const (
	// HeaderSize is that of the fixed start of a frame.
	HeaderSize = 12
	// PartSize is the most message bytes of one frame: small enough that a bulk transfer delays others by
	// microseconds, large enough that headers cost nothing.
	PartSize = 16 << 10
	// MaxMetadata bounds one block of headers or trailers, as encoded.
	MaxMetadata = 64 << 10
	// maxPayload bounds any frame: a part, two metadata blocks, and the fields around them.
	maxPayload = PartSize + 2*MaxMetadata + 16<<10
	maxCallID  = 1<<48 - 1

	// MessageCost is what a message costs of the credit besides its bytes: without it, empty messages would be free
	// and could pile up without end.
	MessageCost = 16
)

// Header is the fixed start of every frame.
type Header struct {
	Length int // of the payload
	Type   Type
	Flags  uint8
	Call   uint64
}

// Has reports whether a flag is set.
func (h Header) Has(flag uint8) bool { return h.Flags&flag != 0 }

// parseHeader takes type, flags and call out of one word, since they are one in big endian order. b has HeaderSize bytes.
func parseHeader(b []byte) Header {
	word := binary.BigEndian.Uint64(b[4:])
	return Header{
		Length: int(binary.BigEndian.Uint32(b)),
		Type:   Type(word >> 56),
		Flags:  uint8(word >> 48),
		Call:   word & maxCallID,
	}
}

// Begin appends a header whose length [End] fills in.
// Frames are built in place, behind whatever b has already, so that many of them leave in one write without a copy.
func Begin(b []byte, typ Type, flags uint8, call uint64) []byte {
	b = append(b, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint64(b, uint64(typ)<<56|uint64(flags)<<48|call)
}

// SetCall puts the call id into the frame that b begins with.
// A frame may be encoded before its call has an id, which is given under the lock of what leaves.
func SetCall(b []byte, call uint64) {
	word := binary.BigEndian.Uint64(b[4:]) &^ maxCallID
	binary.BigEndian.PutUint64(b[4:], word|call)
}

// End completes the frame that begins at start.
func End(b []byte, start int) []byte {
	SetLength(b[start:], len(b)-start-HeaderSize)
	return b
}

// SetLength puts the length of the payload into the frame that b begins with.
func SetLength(b []byte, n int) { binary.BigEndian.PutUint32(b, uint32(n)) }

// AppendText appends a text: its length and its bytes.
func AppendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// Payload reads fields from the front of a frame's payload. After the first malformed field every read answers zero
// and Err stays set, so that callers check once.
type Payload struct {
	B   []byte // what has not been read
	Err error
}

// Uvarint reads a number.
func (p *Payload) Uvarint() uint64 {
	v, n := binary.Uvarint(p.B)
	if n <= 0 {
		p.Fail("truncated number")
		return 0
	}
	p.B = p.B[n:]
	return v
}

// Bytes reads a length-prefixed field of at most limit bytes. It aliases the payload.
func (p *Payload) Bytes(limit int) []byte {
	n := p.Uvarint()
	if p.Err != nil {
		return nil
	}
	if n > uint64(limit) {
		p.Fail(fmt.Sprintf("field of %d bytes exceeds %d", n, limit))
		return nil
	}
	if n > uint64(len(p.B)) {
		p.Fail("truncated field")
		return nil
	}
	field := p.B[:n]
	p.B = p.B[n:]
	return field
}

// Text reads a text of at most limit bytes.
func (p *Payload) Text(limit int) string { return string(p.Bytes(limit)) }

// Fail notes that the payload is malformed, for the reason.
// The first reason stays.
func (p *Payload) Fail(reason string) {
	if p.Err == nil {
		p.Err = Malformed(reason)
	}
	p.B = nil
}

// Malformed is a violation of the wire format. It ends the link.
type Malformed string

// Error says what was wrong with the frame.
func (e Malformed) Error() string { return "link: malformed frame: " + string(e) }
