package frame

import (
	"fmt"
	"strings"
	"testing"
)

func nameOf(n int, caller int) Name {
	return Name{Namespace: "ns", Procedure: fmt.Sprint("/p.S/M", n), Codec: "proto", Caller: strings.Repeat("c", caller)}
}

// TestNames defines more names than the table takes, and reads them at the other end: each name has one number for ever, those
// without room have none and cross in full, and nothing else changes for those that have one.
func TestNames(t *testing.T) {
	t.Parallel()
	var sent SentNames
	made := 0
	got := NewReceivedNames(func(n Name) *Name { made++; return &n })
	const more = 100
	for round := range 2 {
		for i := range MaxNames + more {
			name := nameOf(i, 10)
			b := sent.Append(nil, sent.Ref(name), name)
			if full := sent.Full(&name); full != (round > 0 || i >= MaxNames) {
				t.Fatalf("full is %v at name %d of round %d", full, i, round)
			}
			sent.Define(name)
			p := Payload{B: b}
			read, use := got.Read(&p)
			if p.Err != nil || len(p.B) > 0 || *read != name {
				t.Fatalf("name %d is read as %v, %v, %d bytes are left", i, read, p.Err, len(p.B))
			}
			if want := useOf(round, i); use != want {
				t.Fatalf("name %d of round %d: use %d, want %d", i, round, use, want)
			}
		}
	}
	if want := MaxNames + 2*more; made != want {
		t.Errorf("%d targets were made, want %d", made, want)
	}
}

func useOf(round, i int) NameUse {
	switch {
	case i >= MaxNames:
		return NameOnce
	case round == 0:
		return NameKept
	}
	return NameKnown
}

// TestNameBytes wants what the texts take to be bounded too, callers included: a short name may still have room.
func TestNameBytes(t *testing.T) {
	t.Parallel()
	var sent SentNames
	defined := 0
	for i := range MaxNames {
		name := nameOf(i, MaxCaller)
		sent.Define(name)
		if sent.Ref(name) != 0 {
			defined++
		}
	}
	if most := MaxNameBytes / MaxCaller; defined > most || defined < most*9/10 {
		t.Errorf("%d names of 4 KiB have a number, want about %d", defined, most)
	}
	if short := nameOf(MaxNames, 0); sent.Full(&short) {
		t.Error("a short name has no room where a long one has none")
	}
}

// TestOldSnapshots wants names to keep their number while others are defined beside a reader.
func TestOldSnapshots(t *testing.T) {
	t.Parallel()
	var sent SentNames
	first := nameOf(0, 0)
	sent.Define(first)
	defined := make(chan struct{})
	go func() {
		defer close(defined)
		for i := range MaxNames {
			sent.Define(nameOf(i, 0))
		}
	}()
	for over := false; !over; {
		select {
		case <-defined:
			over = true
		default:
		}
		if ref := sent.Ref(first); ref != 1 {
			t.Fatalf("the first name has number %d", ref)
		}
	}
}

// BenchmarkDefine fills a table.
func BenchmarkDefine(b *testing.B) {
	names := make([]Name, MaxNames)
	for i := range names {
		names[i] = nameOf(i, 100)
	}
	b.ReportAllocs()
	for b.Loop() {
		var sent SentNames
		for _, name := range names {
			sent.Define(name)
		}
	}
}
