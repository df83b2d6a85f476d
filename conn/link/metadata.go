package link

import (
	"encoding/binary"

	"connectrpc.com/connect/v2"
)

// appendMetadata appends a metadata block: its length in bytes, then each name with its values.
func appendMetadata(b []byte, h *connect.Header) []byte {
	size, _ := measure(h)
	return appendMeasured(b, h, size)
}

// appendMeasured is appendMetadata for a block whose size is known.
func appendMeasured(b []byte, h *connect.Header, size int) []byte {
	b = binary.AppendUvarint(b, uint64(size))
	for name, values := range h.All() {
		b = appendText(b, name)
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = appendText(b, v)
		}
	}
	return b
}

// measure returns the size of the block without its length, and how many values there are, a name without any counted
// as one.
func measure(h *connect.Header) (size, values int) {
	for name, of := range h.All() {
		values += max(1, len(of))
		size += textSize(name) + uvarintSize(uint64(len(of)))
		for _, v := range of {
			size += textSize(v)
		}
	}
	return size, values
}

// maxValues bounds the values of a block, and with them what a small block can cost in memory.
const maxValues = 1024

// withinLimits judges what measure has measured.
func withinLimits(size, values int) bool { return values <= maxValues && size <= maxMetadata }

// metadataFits reports whether the blocks of a frame keep to the limits, which hold for all of them together.
func metadataFits(blocks ...*connect.Header) bool {
	size, values := 0, 0
	for _, h := range blocks {
		s, v := measure(h)
		size, values = size+s, values+v
	}
	return withinLimits(size, values)
}

// readMetadata moves a metadata block from the front of p into h. All strings share one allocation, and so do all
// value slices.
func readMetadata(p *payload, h *connect.Header) error {
	block := payload{b: p.bytes(maxMetadata)}
	if p.err != nil || len(block.b) == 0 {
		return p.err
	}
	text := string(block.b)
	values := make([]string, 0, 4)
	for left := maxValues; len(block.b) > 0; {
		name := sharedText(&block, text)
		n := block.uvarint()
		if n > uint64(left) {
			block.fail("too many values")
		}
		if block.err != nil {
			break
		}
		left -= max(1, int(n))
		first := len(values)
		for range n {
			values = append(values, sharedText(&block, text))
		}
		h.SetValues(name, values[first:len(values):len(values)])
	}
	if block.err != nil {
		p.fail("metadata: " + string(block.err.(protocolError))) //nolint:forcetypeassert // payload has no other errors
	}
	return p.err
}

// sharedText reads a text as a substring of all, which holds the same bytes as the block that p reads.
func sharedText(p *payload, all string) string {
	field := p.bytes(maxMetadata)
	end := len(all) - len(p.b)
	if p.err != nil {
		return ""
	}
	return all[end-len(field) : end]
}

func textSize(s string) int { return uvarintSize(uint64(len(s))) + len(s) }

func uvarintSize(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}
