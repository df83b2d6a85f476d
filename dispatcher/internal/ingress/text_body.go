package ingress

import (
	"bytes"
	"encoding/base64"
	"io"

	"connectrpc.com/connect/v2"
)

// Base64 comes in groups of four characters for up to three bytes. So many are decoded at once.
const (
	groupText   = 4
	groupBytes  = 3
	groupsAhead = 1024
)

// textBody is the body of a request whose bytes came as text: one run of base64 or many, each with its padding, as a
// client may have flushed them. It holds a fixed amount, whatever comes. Anything else than base64 ends the call, line
// breaks too: they would be a body without end and without bytes.
type textBody struct {
	io.ReadCloser
	text  [groupsAhead * groupText]byte
	held  int // of text: less than a group, between two reads
	bytes [groupsAhead * groupBytes]byte
	ready []byte // of bytes: not read yet
	err   error  // what comes after them
}

func (b *textBody) Read(p []byte) (int, error) {
	for len(b.ready) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.fill()
	}
	n := copy(p, b.ready)
	b.ready = b.ready[n:]
	return n, nil
}

// fill decodes what there is of whole groups.
func (b *textBody) fill() {
	n, err := b.ReadCloser.Read(b.text[b.held:])
	b.held += n
	whole := b.held - b.held%groupText
	b.ready, b.err = decodeRuns(b.bytes[:0], b.text[:whole])
	b.held = copy(b.text[:], b.text[whole:b.held])
	switch {
	case b.err != nil:
	case err == io.EOF && b.held > 0:
		b.err = notText("it ends within a group of four characters")
	default:
		b.err = err
	}
}

// decodeRuns appends what whole groups of base64 mean. Padding may end any of them.
func decodeRuns(to, text []byte) ([]byte, error) {
	if bytes.ContainsAny(text, "\r\n") { // which the decoder would pass over
		return to, notText("it has line breaks")
	}
	for len(text) > 0 {
		end := len(text)
		if padding := bytes.IndexByte(text, '='); padding >= 0 {
			end = padding - padding%groupText + groupText
		}
		var err error
		if to, err = base64.StdEncoding.AppendDecode(to, text[:end]); err != nil {
			return to, notText("it has characters that are not of the standard alphabet, or padding in the middle of a group")
		}
		text = text[end:]
	}
	return to, nil
}

func notText(why string) error {
	return connect.NewError(connect.CodeInvalidArgument, "the body is not base64, which "+webTypeText+" needs: "+why)
}
