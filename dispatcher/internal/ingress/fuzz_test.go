package ingress

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
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

// Bytes arrive as they were, however they were cut into runs of base64 and however those arrive.
func FuzzTextBody_Runs(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x05hello"), uint8(5), uint8(1))
	f.Add(bytes.Repeat([]byte("ab"), 3000), uint8(1), uint8(6))
	f.Fuzz(func(t *testing.T, data []byte, run, step uint8) {
		var text []byte
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(run)+1)
			text, rest = base64.StdEncoding.AppendEncode(text, rest[:n]), rest[n:]
		}
		got, err := io.ReadAll(&textBody{ReadCloser: io.NopCloser(&slowReader{text, int(step)*61 + 1})})
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%q became %q, %v", data, got, err)
		}
	})
}

// Whatever the text is, what is decoded of it is its groups, one by one, up to the first that is none, and then it is
// refused.
func FuzzTextBody(f *testing.F) {
	for _, text := range []string{"AAAA", "QQ==QUI=QUJD", "QQ=", "Q===", "====", "QQ=A", "A\nAA", "\n\n\n\n", "AAAA\r\n\r\n", "-___", "AAAAA", strings.Repeat("QQ==", 2000) + "?"} {
		f.Add([]byte(text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, step uint8) {
		got, err := io.ReadAll(&textBody{ReadCloser: io.NopCloser(&slowReader{text, int(step)*61 + 1})})
		want, good := groupByGroup(text)
		if good != (err == nil) || err != nil && connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Fatalf("%q: %v, want it taken: %v", text, err, good)
		}
		if !bytes.HasPrefix(want, got) || good && len(got) != len(want) {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	})
}

// groupByGroup decodes each group by itself.
func groupByGroup(text []byte) (data []byte, good bool) {
	for len(text) >= 4 {
		group, err := base64.StdEncoding.DecodeString(string(text[:4]))
		if err != nil || bytes.ContainsAny(text[:4], "\r\n") {
			return data, false
		}
		data, text = append(data, group...), text[4:]
	}
	return data, len(text) == 0
}
