package expiry_test

import (
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/internal/expiry"
)

// follow does what a link does, and returns when it was renewed and when it ended.
func follow(lives time.Duration, renews bool) (renewed []time.Duration, ended time.Duration) {
	start := time.Unix(1_800_000_000, 0)
	now := start
	w := expiry.Begin(now, start.Add(lives), renews)
	for range 10_000 {
		now = now.Add(w.Wait(now))
		if w.Expired(now) {
			return renewed, now.Sub(start)
		}
		if w.Renew(now) {
			renewed = append(renewed, now.Sub(start))
		}
	}
	return renewed, -1
}

func TestWatch(t *testing.T) {
	t.Parallel()
	for _, lives := range []time.Duration{time.Second, 30 * time.Second, time.Hour, 24 * time.Hour, 90 * 24 * time.Hour} {
		renewed, ended := follow(lives, true)
		if ended != lives {
			t.Errorf("%v: it ends after %v", lives, ended)
		}
		if len(renewed) == 0 || renewed[0] != lives-lives/3 || len(renewed) > 25 {
			t.Errorf("%v: it is renewed at %v", lives, renewed)
		}
		if renewed, ended := follow(lives, false); len(renewed) != 0 || ended != lives {
			t.Errorf("%v: the side that was dialled renews at %v and ends after %v", lives, renewed, ended)
		}
	}
	if _, ended := follow(-time.Minute, true); ended != 0 {
		t.Errorf("one that has expired ends after %v", ended)
	}
	if w := expiry.Begin(time.Now(), time.Time{}, true); w.Expired(time.Now()) || w.Renew(time.Now()) || w.Wait(time.Now()) <= 0 {
		t.Error("one that never expires does")
	}
}
