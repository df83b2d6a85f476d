package rest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/internal/rest"
)

// Under synctest time passes in rests alone: each step that lasts is one that waits itself.
func TestLongWorkRests(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		work   *rest.Work
		lasts  time.Duration // of 32 steps
		pieces int
		want   time.Duration // in all, at least
		rests  bool
	}{
		"short":      {new(rest.Work), time.Millisecond, 2, 2 * time.Millisecond, false},
		"long":       {new(rest.Work), time.Millisecond, 100, 500 * time.Millisecond, true},
		"waited for": {&rest.Work{Urgent: func() bool { return true }}, time.Millisecond, 100, 100 * time.Millisecond, false},
		"nil":        {nil, time.Millisecond, 100, 100 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, worked := time.Now(), time.Duration(0)
				for range tt.pieces {
					<-time.After(tt.lasts)
					worked += tt.lasts
					for range 32 {
						tt.work.Step()
					}
				}
				if took := time.Since(began); took < tt.want || tt.rests == (took == worked) {
					t.Errorf("%v of work took %v", worked, took)
				}
			})
		})
	}
}
