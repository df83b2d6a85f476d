package call

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spent := func(b *retryBudget) (n int) {
			for b.spend() {
				n++
			}
			return n
		}
		b := NewRetryBudget()
		if n := spent(b); n != 100 {
			t.Errorf("%d repetitions at once, want 100", n)
		}
		time.Sleep(3 * time.Second)
		if n := spent(b); n != 30 {
			t.Errorf("%d repetitions after three seconds, want 30", n)
		}
		for range 50 {
			b.earn()
		}
		if n := spent(b); n != 10 {
			t.Errorf("%d repetitions for 50 calls, want 10", n)
		}
		time.Sleep(time.Hour)
		for range 10_000 {
			b.earn()
		}
		if n := spent(b); n != 100 {
			t.Errorf("%d repetitions after an hour, want 100", n)
		}
	})
}

func BenchmarkBudgetEarn(b *testing.B) {
	budget := NewRetryBudget()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			budget.earn()
		}
	})
}
