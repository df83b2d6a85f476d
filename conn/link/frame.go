package link

import (
	"encoding/binary"
	"fmt"
)

type frameType uint8

const (
	frameHello frameType = iota + 1
	frameOpen
	frameMessage
	frameHeaders
	frameEnd
	frameCancel
	frameWindow
	framePing
	framePong
	frameCatalog
	frameGoaway
)

const (
	flagMore uint8 = 1 << iota
	flagHalfClose
	flagMessage
	flagMetadata
	flagError
	flagDeadline
	flagFirst
	flagFlush
)

const (
	headerSize = 12
	// partSize is the most message bytes of one frame: small enough that a bulk transfer delays others by
	// microseconds, large enough that headers cost nothing.
	partSize = 16 << 10
	// maxMetadata bounds one block of headers or trailers, as encoded.
	maxMetadata = 64 << 10
	// maxPayload bounds any frame: a part, two metadata blocks, and the fields around them.
	maxPayload = partSize + 2*maxMetadata + 16<<10
	maxCallID  = 1<<48 - 1
)

// frameHeader is the fixed start of every frame.
type frameHeader struct {
	length int
	typ    frameType
	flags  uint8
	call   uint64
}

func (h frameHeader) has(flag uint8) bool { return h.flags&flag != 0 }

func parseFrameHeader(b []byte) frameHeader {
	word := binary.BigEndian.Uint64(b[4:])
	return frameHeader{
		length: int(binary.BigEndian.Uint32(b)),
		typ:    frameType(word >> 56),
		flags:  uint8(word >> 48),
		call:   word & maxCallID,
	}
}

// beginFrame appends a header whose length endFrame fills in.
func beginFrame(b []byte, typ frameType, flags uint8, call uint64) []byte {
	b = append(b, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint64(b, uint64(typ)<<56|uint64(flags)<<48|call)
}

// setCall puts the call id into the frame that b begins with.
func setCall(b []byte, call uint64) {
	word := binary.BigEndian.Uint64(b[4:]) &^ maxCallID
	binary.BigEndian.PutUint64(b[4:], word|call)
}

// endFrame completes the frame that begins at start.
func endFrame(b []byte, start int) []byte {
	setLength(b[start:], len(b)-start-headerSize)
	return b
}

// setLength puts the length of the payload into the frame that b begins with.
func setLength(b []byte, n int) { binary.BigEndian.PutUint32(b, uint32(n)) }

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// payload reads fields from the front of a frame's payload. After the first malformed field every read answers zero
// and err stays set, so that callers check once.
type payload struct {
	b   []byte
	err error
}

func (p *payload) uvarint() uint64 {
	v, n := binary.Uvarint(p.b)
	if n <= 0 {
		p.fail("truncated number")
		return 0
	}
	p.b = p.b[n:]
	return v
}

// bytes returns a length-prefixed field. It aliases the payload.
func (p *payload) bytes(limit int) []byte {
	n := p.uvarint()
	if p.err != nil {
		return nil
	}
	if n > uint64(limit) {
		p.fail(fmt.Sprintf("field of %d bytes exceeds %d", n, limit))
		return nil
	}
	if n > uint64(len(p.b)) {
		p.fail("truncated field")
		return nil
	}
	field := p.b[:n]
	p.b = p.b[n:]
	return field
}

func (p *payload) text(limit int) string { return string(p.bytes(limit)) }

func (p *payload) fail(reason string) {
	if p.err == nil {
		p.err = protocolError(reason)
	}
	p.b = nil
}

// protocolError is a violation of the wire format. It ends the link.
type protocolError string

func (e protocolError) Error() string { return "link: malformed frame: " + string(e) }
