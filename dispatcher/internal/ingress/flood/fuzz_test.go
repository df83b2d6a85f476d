package flood

import (
	"bytes"
	"testing"
	"time"
)

// recorder writes down what a scanner finds.
type recorder struct {
	frames []frame
	shown  []byte
}

func (r *recorder) begin(f frame) int {
	r.frames = append(r.frames, f)
	if f.kind == kindSettings {
		return settingBytes
	}
	return 0
}

func (r *recorder) show(_ frame, unit []byte) { r.shown = append(r.shown, unit...) }

// A scanner finds the same frames however the bytes arrive, as if each were read by its length.
func FuzzScanner(f *testing.F) {
	f.Add([]byte("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"), uint8(3))
	f.Add([]byte("\x00\x00\x00\x00\x01\x80\x00\x00\x01"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		var got, want recorder
		var s scanner
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(step)%40+1)
			s.scan(rest[:n], &got)
			rest = rest[n:]
		}
		within := 0
		for rest := data; len(rest) > 0; {
			if within = len(rest); within < headerBytes {
				break
			}
			h := parseFrame(rest)
			units := want.begin(h)
			payload := rest[headerBytes:]
			n := min(h.length, len(payload))
			if units > 0 {
				want.shown = append(want.shown, payload[:n/units*units]...)
			}
			if rest = payload[n:]; n < h.length {
				break
			}
			within = 0
		}
		if len(got.frames) != len(want.frames) || !bytes.Equal(got.shown, want.shown) || s.within() != (within > 0) {
			t.Errorf("%x in steps: %v, %x, within %v; want %v, %x, %v", data, got.frames, got.shown, s.within(), want.frames, want.shown, within > 0)
		}
		m := NewMeter(func() time.Duration { return 0 }, func(bool) {})
		m.In(data)
		m.Out(data)
		if m.Held() < 0 || m.credit.Load() > Burst+earnEnd*int64(len(data)) {
			t.Errorf("%x: %d bytes held, credit %d", data, m.Held(), m.credit.Load())
		}
	})
}
