package flood

import (
	"encoding/binary"
	"testing"
	"time"
)

// frameOf is a frame.
func frameOf(kind, flags byte, stream uint32, payload ...byte) []byte {
	n := len(payload)
	f := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return append(binary.BigEndian.AppendUint32(f, stream), payload...)
}

// meter has a clock that is moved by hand.
func meter() (m *Meter, now *time.Duration, tight *bool) {
	now, tight = new(time.Duration), new(bool)
	return NewMeter(func() time.Duration { return *now }, func(is bool) { *tight = is }), now, tight
}

// How many nuisances a connection may send at once, and how many more after a second.
func TestMeter_Nuisances(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		frame       []byte
		most, again int
	}{
		"PING":                  {frameOf(kindPing, 0, 0, make([]byte, 8)...), Burst / costPing, PerSecond / costPing},
		"SETTINGS":              {frameOf(kindSettings, 0, 0), Burst / costSettings, PerSecond / costSettings},
		"empty DATA":            {frameOf(kindData, 0, 1), Burst / costEmpty, PerSecond / costEmpty},
		"DATA of padding":       {frameOf(kindData, flagPadded, 1, 2, 0, 0), Burst / costEmpty, PerSecond / costEmpty},
		"empty CONTINUATION":    {frameOf(kindContinuation, 0, 1), Burst / costEmpty, PerSecond / costEmpty},
		"RST_STREAM":            {frameOf(kindReset, 0, 1, 0, 0, 0, 8), Burst / costReset, PerSecond / costReset},
		"WINDOW_UPDATE":         {frameOf(kindWindowUpdate, 0, 1, 0, 0, 0, 1), Burst / costSmall, PerSecond / costSmall},
		"what nobody has named": {frameOf(0x77, 0, 0), Burst / costSmall, PerSecond / costSmall},
	} {
		m, now, _ := meter()
		if got := countIn(m, tt.frame); got < tt.most-1 || got > tt.most+tt.most/10+1 {
			t.Errorf("%s: ended after %d, want %d", name, got, tt.most)
		}
		*now += time.Second
		if got := countIn(m, tt.frame); got < tt.again-tt.again/10-1 || got > tt.again+1 {
			t.Errorf("%s: ended after %d more in a second, want %d", name, got, tt.again)
		}
	}
}

// countIn counts how many of a frame are taken.
func countIn(m *Meter, frame []byte) (n int) {
	for ; n < 1<<20 && m.In(frame); n++ {
	}
	return n
}

// What clients do for the protocol's sake they may do for ever: a ping and two windows for each frame of an answer, a call that
// is cancelled for two that are answered.
func TestMeter_Useful(t *testing.T) {
	t.Parallel()
	m, _, _ := meter()
	open := frameOf(kindHeaders, flagEndHeaders|flagEndStream, 1, make([]byte, 50)...)
	data, end := frameOf(kindData, 0, 1, make([]byte, 100)...), frameOf(kindHeaders, flagEndHeaders|flagEndStream, 1, 1)
	for i := range 100_000 {
		ok := m.In(open) && m.In(frameOf(kindPing, 0, 0, make([]byte, 8)...))
		m.Out(data)
		m.Out(end)
		ok = ok && m.In(frameOf(kindWindowUpdate, 0, 1, 0, 0, 1, 0)) && m.In(frameOf(kindWindowUpdate, 0, 0, 0, 0, 1, 0))
		if i%3 == 2 {
			ok = ok && m.In(open) && m.In(frameOf(kindReset, 0, 3, 0, 0, 0, 8))
		}
		if !ok {
			t.Fatalf("call %d is one too many", i)
		}
	}
}

// The meter tells when the client takes little: by its settings, and by what it has not taken.
func TestMeter_Tight(t *testing.T) {
	t.Parallel()
	m, _, tight := meter()
	m.In(frameOf(kindSettings, 0, 0, 0, 4, 0, 0, 0, 0))
	if !*tight {
		t.Error("a client with a window of 0 is not tight")
	}
	m.In(frameOf(kindSettings, 0, 0, 0, 4, 0, 1, 0, 0))
	if *tight {
		t.Error("a client with a window of 64 KiB is tight")
	}
	m.Out(frameOf(kindData, 0, 1, make([]byte, 60_000)...))
	if !*tight {
		t.Error("a client that has taken nothing of 60 000 bytes is not tight")
	}
	m.In(frameOf(kindWindowUpdate, 0, 0, 0, 0, 0xff, 0))
	if *tight {
		t.Error("a client that has taken them is tight")
	}
}

// What has come in and was not read is held until the server says that it was.
func TestMeter_Held(t *testing.T) {
	t.Parallel()
	m, _, _ := meter()
	m.Out(frameOf(kindWindowUpdate, 0, 0, 0, 0x10, 0, 0)) // how much may come in at first
	m.In(frameOf(kindData, 0, 1, make([]byte, 1000)...))
	if m.Held() != 1000 {
		t.Errorf("%d bytes are held, want 1000", m.Held())
	}
	m.Out(frameOf(kindWindowUpdate, 0, 1, 0, 0, 3, 0xe8)) // of the stream
	m.Out(frameOf(kindWindowUpdate, 0, 0, 0, 0, 3, 0xe8))
	if m.Held() != 0 {
		t.Errorf("%d bytes are held, want none", m.Held())
	}
}

// Following a call costs nothing that can be seen: less than a hundredth of what it costs a server.
func BenchmarkMeter(b *testing.B) {
	m, _, _ := meter()
	in := append(frameOf(kindHeaders, flagEndHeaders, 1, make([]byte, 60)...), frameOf(kindData, flagEndStream, 1, make([]byte, 105)...)...)
	in = append(in, frameOf(kindWindowUpdate, 0, 0, 0, 0, 0, 105)...)
	out := append(frameOf(kindHeaders, flagEndHeaders, 1, make([]byte, 40)...), frameOf(kindData, 0, 1, make([]byte, 105)...)...)
	out = append(out, frameOf(kindHeaders, flagEndHeaders|flagEndStream, 1, make([]byte, 10)...)...)
	b.ReportAllocs()
	for b.Loop() {
		m.In(in)
		m.Out(out)
	}
}
