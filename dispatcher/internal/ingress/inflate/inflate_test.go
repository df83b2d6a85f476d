package inflate

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"connectrpc.com/connect/v2"
)

func squeezed(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func inflated(c connect.Compressor, data []byte) ([]byte, error) {
	r, err := c.Decompress(bytes.NewBuffer(data))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// What a message states and what it becomes must be one: several streams in one would hold more than was counted.
func TestDecompress(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, 1<<20)
	two := append(squeezed(t, []byte("ab")), squeezed(t, []byte("c"))...)
	for name, tt := range map[string]struct {
		data  []byte
		ratio int
		code  connect.Code
	}{
		"a bomb":                 {squeezed(t, zeros), 100, connect.CodeResourceExhausted},
		"one where any is taken": {squeezed(t, zeros), -1, 0},
		"short":                  {squeezed(t, zeros[:FreeBytes]), 100, 0},
		"two streams":            {two, 100, connect.CodeInvalidArgument},
		"cut off":                {squeezed(t, zeros)[:30], 100, connect.CodeInvalidArgument},
		"nothing":                {nil, 100, connect.CodeUnknown},
	} {
		if _, err := inflated(New(tt.ratio), tt.data); (err == nil) != (tt.code == 0) || err != nil && connect.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %v", name, err, tt.code)
		}
	}
}

// Whatever comes, what it becomes is within the bounds.
func FuzzDecompress(f *testing.F) {
	f.Add(squeezed(f, []byte("hello")))
	f.Add(squeezed(f, make([]byte, 1<<18)))
	c := New(100)
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := inflated(c, data); err == nil && len(got) > max(FreeBytes, 100*len(data)) {
			t.Errorf("%d bytes became %d", len(data), len(got))
		}
	})
}
