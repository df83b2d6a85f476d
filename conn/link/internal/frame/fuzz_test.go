package frame

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"unicode"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// FuzzFrames cuts a stream into frames, whatever the pieces in which it arrives.
func FuzzFrames(f *testing.F) {
	f.Add(End(append(Begin(nil, TypePing, 0, 0), "12345678"...), 0))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(slices.Repeat(End(append(Begin(nil, TypeMessage, FlagMessage, 1), make([]byte, 5000)...), 0), 3))
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, wholeErr := allFrames(bytes.NewReader(stream))
		single, singleErr := allFrames(iotest.OneByteReader(bytes.NewReader(stream)))
		if diff := cmp.Diff(whole, single); diff != "" || wholeErr.Error() != singleErr.Error() {
			t.Errorf("frames depend on how the bytes arrive: %v, %v\n%s", wholeErr, singleErr, diff)
		}
		again := bytes.Join(whole, nil)
		if !bytes.HasPrefix(stream, again) {
			t.Errorf("frames %q are not what the stream begins with: %q", again, stream)
		}
	})
}

// allFrames returns the bytes of each frame up to the error that ends the stream.
func allFrames(src io.Reader) (frames [][]byte, err error) {
	reader := NewReader(src, func(int) {})
	for {
		h, body, err := reader.Next()
		if err != nil {
			return frames, err
		}
		frames = append(frames, End(append(Begin(nil, h.Type, h.Flags, h.Call), body...), 0))
		if len(reader.buf) > 4*maxPayload {
			return frames, Malformed("buffer too large")
		}
	}
}

// FuzzHello reads the payload of a HELLO; what is accepted must be within the limits and survive another round.
func FuzzHello(f *testing.F) {
	valid := Hello{CollectorID: "collector", SessionID: "session", Window: 256 << 10, MaxMessage: 4 << 20, Ephemeral: true}
	f.Add(valid.Append(nil))
	f.Add(append(valid.Append(nil), "of a later version"...))
	f.Add(valid.Append(nil)[:40])
	f.Add([]byte{2, 0, 0, 0, 0})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := ReadHello(body)
		if err != nil {
			return
		}
		if len(h.CollectorID) > MaxID || len(h.SessionID) > MaxID || h.Window < PartSize || h.MaxMessage < 1 {
			t.Errorf("accepted %+v", h)
		}
		again, err := ReadHello(h.Append(nil))
		if err != nil || again != h {
			t.Errorf("%+v became %+v, %v", h, again, err)
		}
	})
}

// FuzzProof reads the payload of a PROOF; what is accepted survives another round.
func FuzzProof(f *testing.F) {
	valid := Proof{MACs: make([][MACSize]byte, MaxMACs)}
	f.Add(valid.Append(nil))
	f.Add(valid.Append(nil)[:SignatureSize])
	f.Add(append(make([]byte, SignatureSize), 5))
	f.Fuzz(func(t *testing.T, body []byte) {
		proof, err := ReadProof(body)
		if err != nil {
			return
		}
		again, err := ReadProof(proof.Append(nil))
		if err != nil || !cmp.Equal(again, proof) || len(proof.MACs) > MaxMACs {
			t.Errorf("%+v became %+v, %v", proof, again, err)
		}
	})
}

// FuzzRefused reads the payload of a REFUSED, which ends in logs and terminals.
func FuzzRefused(f *testing.F) {
	f.Add(Refused{Reason: "known_key", Text: "another key"}.Append(nil))
	f.Add(Refused{Reason: "\x1b[2J", Text: "a\nb\u202e\xff"}.Append(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ReadRefused(body)
		if err != nil {
			return
		}
		for _, c := range r.Reason + r.Text {
			if !unicode.IsPrint(c) {
				t.Errorf("%q in %+v", c, r)
			}
		}
	})
}

// FuzzMetadata reads a metadata block; what is accepted may be sent and is read as the same.
func FuzzMetadata(f *testing.F) {
	var h connect.Header
	h.Set("X-One", "1")
	h.SetValues("X-Many", []string{"a", "", "\x00\xff"})
	f.Add(AppendMetadata(nil, &h))
	f.Add([]byte{0})
	f.Add(append([]byte{12, 1, 'a'}, binary.AppendUvarint(nil, 1<<63)...))
	f.Fuzz(func(t *testing.T, block []byte) {
		var got connect.Header
		if p := (Payload{B: block}); func() error { _, err := ReadMetadata(&p, &got); return err }() != nil {
			return
		}
		if !MetadataFits(&got) {
			t.Fatalf("accepted a block that may not be sent: %d names", got.Len())
		}
		var again connect.Header
		p := Payload{B: AppendMetadata(nil, &got)}
		if _, err := ReadMetadata(&p, &again); err != nil {
			t.Fatalf("own block refused: %v", err)
		}
		if diff := cmp.Diff(contents(&got), contents(&again)); diff != "" {
			t.Error(diff)
		}
	})
}

func contents(h *connect.Header) map[string][]string {
	all := map[string][]string{}
	for name, values := range h.All() {
		all[name] = append([]string{}, values...)
	}
	return all
}

// FuzzError reads the error of an END.
func FuzzError(f *testing.F) {
	detail := &connect.ErrorDetail{Type: "t", Value: []byte("v")}
	f.Add(AppendError(nil, connect.NewError(connect.CodeAborted, "text").WithDetail(detail)))
	f.Add([]byte{1, 0, 200})
	f.Fuzz(func(t *testing.T, body []byte) {
		p := Payload{B: body}
		got := ReadError(&p)
		if p.Err != nil {
			return
		}
		again := Payload{B: AppendError(nil, got)}
		if back := ReadError(&again); back.Code() != got.Code() || back.Message() != got.Message() || len(back.Details()) != len(got.Details()) {
			t.Errorf("%v became %v", got, back)
		}
	})
}
