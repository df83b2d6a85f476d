package flood

import "encoding/binary"

// Kinds of frames, RFC 9113, 6.
const (
	kindData = iota
	kindHeaders
	kindPriority
	kindReset
	kindSettings
	kindPushPromise
	kindPing
	kindGoAway
	kindWindowUpdate
	kindContinuation
)

// Flags of frames.
const (
	flagAck        = 0x1
	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
)

const (
	headerBytes  = 9 // of a frame
	settingBytes = 6
	windowBytes  = 4
)

// Preface is what a client begins with.
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// frame is the header of one.
type frame struct {
	length int
	kind   byte
	flags  byte
	stream uint32
}

func (f frame) has(flag byte) bool { return f.flags&flag != 0 }

func parseFrame(h []byte) frame {
	return frame{
		length: int(h[0])<<16 | int(h[1])<<8 | int(h[2]),
		kind:   h[3], flags: h[4],
		stream: binary.BigEndian.Uint32(h[5:]) & (1<<31 - 1),
	}
}

// scanner cuts a stream of bytes into frames. Of their payloads it shows the beginning only, and nothing is kept of them.
type scanner struct {
	header [headerBytes]byte
	have   int // bytes of the header so far, or of the unit
	left   int // bytes of the payload to come
	frame  frame
	unit   [settingBytes]byte // of the payload, that is looked at
	units  int                // bytes of such a unit; 0 when nothing is looked at
}

// visitor is shown what a scanner finds.
type visitor interface {
	// begin is called with each frame, and returns how many bytes its units have that are to be shown; 0 for none.
	begin(f frame) (unit int)
	// show is called with each unit.
	show(f frame, unit []byte)
}

// scan goes through some more bytes.
func (s *scanner) scan(data []byte, v visitor) {
	for len(data) > 0 {
		if s.left == 0 {
			if data = s.head(data); s.have < headerBytes {
				return
			}
			s.frame = parseFrame(s.header[:])
			s.left, s.have = s.frame.length, 0
			s.units = v.begin(s.frame)
			continue
		}
		data = s.payload(data, v)
	}
}

// head takes what there is of a header.
func (s *scanner) head(data []byte) (rest []byte) {
	n := copy(s.header[s.have:], data)
	s.have += n
	return data[n:]
}

// payload takes what there is of a payload.
func (s *scanner) payload(data []byte, v visitor) (rest []byte) {
	n := min(len(data), s.left)
	part := data[:n]
	s.left -= n
	for s.units > 0 && len(part) > 0 {
		taken := copy(s.unit[s.have:s.units], part)
		s.have += taken
		part = part[taken:]
		if s.have == s.units {
			s.have = 0
			v.show(s.frame, s.unit[:s.units])
		}
	}
	if s.left == 0 {
		s.have = 0
	}
	return data[n:]
}

// within reports whether a frame has begun and not ended.
func (s *scanner) within() bool { return s.left > 0 || s.have > 0 }
