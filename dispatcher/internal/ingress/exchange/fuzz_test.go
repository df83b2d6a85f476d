package exchange

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"testing"
)

// A body is cut exactly at the first message that is announced too large, however it arrives.
func FuzzBody(f *testing.F) {
	const limit = 100
	f.Add([]byte("\x00\x00\x00\x00\x05hello\x00\x00\x00\x00\x65"), uint8(1))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\xff\xff\xff\xffx"), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		b := &Body{ReadCloser: io.NopCloser(&slowReader{data, int(step%7) + 1}), limit: limit, framed: true}
		got, err := io.ReadAll(b)
		if !bytes.HasPrefix(data, got) {
			t.Fatalf("%q became %q", data, got)
		}
		large := firstTooLarge(data, limit)
		var tooLarge *http.MaxBytesError
		if refused := errors.As(err, &tooLarge); refused != (large >= 0) {
			t.Fatalf("%q: %v, want the message at %d refused", data, err, large)
		}
		if large >= 0 && len(got) > large+5+7 {
			t.Errorf("%d bytes were read after the prefix at %d", len(got), large)
		}
		if large < 0 && len(got) != len(data) {
			t.Errorf("%d of %d bytes were read", len(got), len(data))
		}
	})
}

// firstTooLarge finds the first prefix of a message over the limit, -1 if there is none.
func firstTooLarge(data []byte, limit uint32) int {
	for at := 0; at+5 <= len(data); {
		size := binary.BigEndian.Uint32(data[at+1:])
		if size > limit {
			return at
		}
		at += 5 + int(size)
	}
	return -1
}

// slowReader gives at most step bytes at once.
type slowReader struct {
	data []byte
	step int
}

func (r *slowReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.step)], r.data)
	r.data = r.data[n:]
	return n, nil
}
