package conn

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		attempt int
		ceiling time.Duration
	}{
		{0, 250 * time.Millisecond},
		{1, 400 * time.Millisecond},
		{2, 640 * time.Millisecond},
		{5, 2621440 * time.Microsecond},
		{8, 10737418240 * time.Nanosecond},
		{9, 15 * time.Second},
		{1000, 15 * time.Second},
	}
	for _, tt := range tests {
		if got := backoff(tt.attempt, 0); got != 0 {
			t.Errorf("attempt %d, random 0: %v, want no wait: the jitter is full", tt.attempt, got)
		}
		got := backoff(tt.attempt, 0.5)
		if off := got - tt.ceiling/2; off < -time.Microsecond || off > time.Microsecond {
			t.Errorf("attempt %d, random 0.5: %v, want half of %v", tt.attempt, got, tt.ceiling)
		}
	}
}

func TestUntilDial(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	tests := []struct {
		name    string
		last    time.Time
		backoff time.Duration
		want    time.Duration
	}{
		{"first dial", time.Time{}, 0, 0},
		{"first dial waits its backoff", time.Time{}, time.Second, time.Second},
		{"just dialled", now, 0, time.Second},
		{"dialled 0.4 s ago", now.Add(-400 * time.Millisecond), 100 * time.Millisecond, 600 * time.Millisecond},
		{"dialled long ago", now.Add(-time.Minute), 100 * time.Millisecond, 100 * time.Millisecond},
		{"backoff beyond the interval", now, 9 * time.Second, 9 * time.Second},
	}
	for _, tt := range tests {
		if got := untilDial(now, tt.last, tt.backoff); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
