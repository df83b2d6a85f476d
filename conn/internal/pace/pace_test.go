package pace_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/internal/pace"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	var b pace.Bucket
	now := time.Now()
	for range 3 {
		if wait := b.Take(now, 1, 3); wait != 0 {
			t.Fatalf("wait %v within the burst", wait)
		}
	}
	if wait := b.Take(now.Add(400*time.Millisecond), 1, 3); wait.Round(time.Millisecond) != 600*time.Millisecond {
		t.Errorf("wait %v, want 600ms", wait)
	}
	if wait := b.Take(now.Add(time.Second), 1, 3); wait != 0 {
		t.Errorf("wait %v after it", wait)
	}
}

// What is owed is waited for, and no longer.
func TestOwe(t *testing.T) {
	t.Parallel()
	var b pace.Bucket
	now := time.Now()
	for i, step := range []struct {
		after time.Duration
		n     int
		want  time.Duration
	}{{0, 100, 0}, {0, 50, 5 * time.Second}, {5 * time.Second, 0, 0}, {0, 1, 100 * time.Millisecond}, {time.Hour, 100, 0}, {0, 1, 100 * time.Millisecond}} {
		now = now.Add(step.after)
		if wait := b.Owe(now, 10, 100, step.n); wait.Round(time.Millisecond) != step.want {
			t.Errorf("step %d: wait %v, want %v", i, wait, step.want)
		}
	}
}

// In ten seconds an address gets the burst and ten a second, however it asks; others get theirs.
func TestKeyed(t *testing.T) {
	t.Parallel()
	k := pace.Keyed{Rate: 10, Burst: 10}
	start := time.Now()
	taken := 0
	for at := time.Duration(0); at < 10*time.Second; at += time.Millisecond {
		if k.Take("a", start.Add(at)) {
			taken++
		}
	}
	if taken < 108 || taken > 110 {
		t.Errorf("%d in 10 s, want 110", taken)
	}
	if !k.Take("b", start) {
		t.Error("another address waits for it")
	}
	for i := range 10_000 {
		k.Take(fmt.Sprint(i), start.Add(10*time.Second))
	}
	if k.Take("new", start.Add(10*time.Second)) {
		t.Error("those beyond the bound are not bounded together")
	}
	if !k.Take("new", start.Add(20*time.Second)) {
		t.Error("it stays bounded")
	}
}
