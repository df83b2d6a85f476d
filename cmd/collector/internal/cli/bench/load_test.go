package bench_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/bench"
)

// As many calls are made as were asked for, by as many callers at once, and what failed is counted.
func TestLoadOfCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var made, now, most int // guarded by mu
		l := bench.Load{Calls: 20, Callers: 4, Call: func(context.Context) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			defer mu.Unlock()
			now--
			if made++; made%2 == 0 {
				return errors.New("odd")
			}
			return nil
		}}
		r := l.Run(t.Context())
		if r.Calls != 20 || made != 20 || most != 4 || r.Errors != 10 || r.Seconds != 5 || r.P50 != int64(time.Second) {
			t.Errorf("%+v, %d made, %d at once", r, made, most)
		}
		if err := r.Failure(); err == nil || err.Error() != "10 of 20 calls failed, the first: odd" {
			t.Error(err)
		}
	})
}

// A load with a duration ends by it; the calls that it cuts off do not count. It says now and then how far it is.
func TestLoadForATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		l := bench.Load{
			Calls: 1, Duration: 11 * time.Second, Callers: 1, Progress: func(line string) { lines = append(lines, line) },
			Call: func(ctx context.Context) error {
				select {
				case <-time.After(2 * time.Second):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			},
		}
		r := l.Run(t.Context())
		if r.Calls != 5 || r.Errors != 0 || r.Failure() != nil || strings.Join(lines, "; ") != "2 calls, 0 failed; 5 calls, 0 failed" && strings.Join(lines, "; ") != "2 calls, 0 failed; 4 calls, 0 failed" {
			t.Errorf("%+v, %q", r, lines)
		}
	})
}

func TestLoadIsBounded(t *testing.T) {
	t.Parallel()
	for _, l := range []bench.Load{{Calls: 0, Callers: 1}, {Calls: 10_000_001, Callers: 1}, {Calls: 1, Callers: 0}, {Calls: 1, Callers: 4097}} {
		if l.Check() == nil {
			t.Errorf("%+v is taken", l)
		}
	}
}
