package ingress

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
)

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
