package link

import (
	"encoding/binary"

	"connectrpc.com/connect/v2"
)

// appendMetadata appends a metadata block: its length in bytes, then each name with its values.
func appendMetadata(b []byte, h *connect.Header) []byte {
	b = binary.AppendUvarint(b, uint64(metadataSize(h)))
	for name, values := range h.All() {
		b = appendText(b, name)
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = appendText(b, v)
		}
	}
	return b
}

// metadataSize is the size of the block without its length.
func metadataSize(h *connect.Header) int {
	size := 0
	for name, values := range h.All() {
		size += textSize(name) + uvarintSize(uint64(len(values)))
		for _, v := range values {
			size += textSize(v)
		}
	}
	return size
}

// maxValues bounds the values of a block, and with them what a small block can cost in memory.
const maxValues = 1024

// metadataFits reports whether the blocks of a frame keep to the limits, which hold for all of them together.
func metadataFits(blocks ...*connect.Header) bool {
	size, values := 0, 0
	for _, h := range blocks {
		for _, v := range h.All() {
			values += max(1, len(v))
		}
		size += metadataSize(h)
	}
	return values <= maxValues && size <= maxMetadata
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
