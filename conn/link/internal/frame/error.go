package frame

import (
	"encoding/binary"
	"fmt"

	"connectrpc.com/connect/v2"
)

const (
	maxErrorText = 16 << 10
	maxDetails   = 64
)

// AppendError appends code, message and details. Texts that are too long for a frame are cut.
// Details that do not fit any more are left out from the first one on: a caller gets the code in any case.
func AppendError(b []byte, e *connect.Error) []byte {
	b = binary.AppendUvarint(b, uint64(e.Code()))
	b = AppendText(b, cut(e.Message(), maxErrorText))
	details := e.Details()
	budget := MaxMetadata
	kept := details[:0]
	for _, d := range details {
		budget -= len(d.Type) + len(d.Value) + 8
		if budget < 0 || len(kept) == maxDetails {
			break
		}
		kept = append(kept, d)
	}
	b = binary.AppendUvarint(b, uint64(len(kept)))
	for _, d := range kept {
		b = AppendText(b, d.Type)
		b = AppendText(b, string(d.Value))
	}
	return b
}

// cut shortens a text to n bytes. Texts on the wire are bytes, so it may end within a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}

// ReadError moves what [AppendError] has written from the front of p into an error of the other end.
// It always returns an error that can be told; whether it was malformed is in p.
func ReadError(p *Payload) *connect.Error {
	code := connect.Code(p.Uvarint())
	err := connect.NewError(code, p.Text(maxErrorText))
	n := p.Uvarint()
	if n > maxDetails {
		p.Fail(fmt.Sprintf("%d error details", n))
		return err
	}
	for range n {
		d := &connect.ErrorDetail{Type: p.Text(MaxMetadata), Value: []byte(p.Text(MaxMetadata))}
		err = err.WithDetail(d)
	}
	return err.WithRemote()
}
