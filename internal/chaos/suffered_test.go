package main

import (
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/ledger"
)

// A host that is not avoided makes some calls slow, a machine that stands still makes all of them slow.
func TestLastSufferedIsOfTheHost(t *testing.T) {
	t.Parallel()
	book := func(slow func(ms int) bool) *ledger.Book {
		b := &ledger.Book{}
		for ms := range 1000 {
			took := time.Millisecond
			if slow(ms) {
				took = 2 * time.Second
			}
			planned := int64(ms) * int64(time.Millisecond)
			b.Outcomes = append(b.Outcomes, ledger.Outcome{Planned: planned, Ended: planned + int64(took)})
		}
		return b
	}
	control := book(func(int) bool { return false })
	host := func(ms int) bool { return ms <= 100 && ms%2 == 0 }
	machine := func(ms int) bool { return host(ms) || ms >= 500 && ms < 600 }
	for name, c := range map[string]struct {
		slow   func(int) bool
		atMost int
		want   time.Duration
	}{
		"nothing":                    {func(int) bool { return false }, ofSome, 0},
		"a host":                     {host, ofSome, 100 * time.Millisecond},
		"a host, of all":             {host, ofAll, 100 * time.Millisecond},
		"a machine, of a host":       {machine, ofSome, 100 * time.Millisecond},
		"all, and all are asked for": {machine, ofAll, 599 * time.Millisecond},
	} {
		if got := lastSuffered(book(c.slow), control, time.Unix(0, 0), c.atMost); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
