package frame

import (
	"encoding/binary"

	"connectrpc.com/connect/v2"
)

// AppendMetadata appends a metadata block: its length in bytes, then each name with its values.
func AppendMetadata(b []byte, h *connect.Header) []byte {
	size, _ := Measure(h)
	return AppendMeasured(b, h, size)
}

// AppendMeasured is [AppendMetadata] for a block whose size is known.
func AppendMeasured(b []byte, h *connect.Header, size int) []byte {
	b = binary.AppendUvarint(b, uint64(size))
	for name, values := range h.All() {
		b = AppendText(b, name)
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = AppendText(b, v)
		}
	}
	return b
}

// Measure returns the size of the block without its length, and how many values there are, a name without any counted
// as one.
// Whoever sends measures first, so that what is too large is refused before any byte of the frame is written.
func Measure(h *connect.Header) (size, values int) {
	for name, of := range h.All() {
		values += max(1, len(of))
		size += textSize(name) + uvarintSize(uint64(len(of)))
		for _, v := range of {
			size += textSize(v)
		}
	}
	return size, values
}

// MaxValues bounds the values of a block, and with them what a small block can cost in memory.
const MaxValues = 1024

// WithinLimits judges what [Measure] has measured.
func WithinLimits(size, values int) bool { return values <= MaxValues && size <= MaxMetadata }

// MetadataFits reports whether the blocks of a frame keep to the limits, which hold for all of them together.
func MetadataFits(blocks ...*connect.Header) bool {
	size, values := 0, 0
	for _, h := range blocks {
		s, v := Measure(h)
		size, values = size+s, values+v
	}
	return WithinLimits(size, values)
}

// ReadMetadata moves a metadata block from the front of p into h. All strings share one allocation, and so do all
// value slices.
// A name that comes twice has its last values. Nothing of h aliases the payload, which the next frame overwrites. It returns
// how many values there were, a name without any counted as one.
func ReadMetadata(p *Payload, h *connect.Header) (count int, err error) {
	block := Payload{B: p.Bytes(MaxMetadata)}
	if p.Err != nil || len(block.B) == 0 {
		return 0, p.Err
	}
	text := string(block.B)
	values := make([]string, 0, 4)
	left := MaxValues
	for len(block.B) > 0 {
		name := sharedText(&block, text)
		n := block.Uvarint()
		if n > uint64(left) {
			block.Fail("too many values")
		}
		if block.Err != nil {
			break
		}
		left -= max(1, int(n))
		first := len(values)
		for range n {
			values = append(values, sharedText(&block, text))
		}
		h.SetValues(name, values[first:len(values):len(values)])
	}
	if block.Err != nil {
		p.Fail("metadata: " + string(block.Err.(Malformed))) //nolint:forcetypeassert // Payload has no other errors
	}
	return MaxValues - left, p.Err
}

// CountValues is how many values a metadata payload has, a name without any counted as one; those before the first mistake of one
// that is malformed. It allocates nothing.
func CountValues(b []byte) (count int) {
	p := Payload{B: b}
	block := Payload{B: p.Bytes(MaxMetadata)}
	for len(block.B) > 0 && block.Err == nil {
		block.Bytes(MaxMetadata)
		n := block.Uvarint()
		for i := uint64(0); i < n && block.Err == nil; i++ {
			block.Bytes(MaxMetadata)
		}
		if block.Err == nil {
			count += max(1, int(n))
		}
	}
	return count
}

// sharedText reads a text as a substring of all, which holds the same bytes as the block that p reads.
func sharedText(p *Payload, all string) string {
	field := p.Bytes(MaxMetadata)
	end := len(all) - len(p.B)
	if p.Err != nil {
		return ""
	}
	return all[end-len(field) : end]
}

// textSize is how many bytes AppendText appends.
func textSize(s string) int { return uvarintSize(uint64(len(s))) + len(s) }

// uvarintSize is how many bytes a uvarint takes: seven bits in each.
func uvarintSize(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}
