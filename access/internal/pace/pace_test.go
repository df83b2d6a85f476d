package pace_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/collectiverpc/collective/access/internal/pace"
)

var tenPerSecond = pace.Rate{Every: 100 * time.Millisecond, Burst: 3}

func bucket(t *testing.T, r pace.Rate) *pace.Bucket {
	t.Helper()
	b, _ := pace.NewTable(1).Bucket(pace.Key{Principal: "a", Rate: r}, 0)
	return b
}

func TestBucket_GivesTheBurstAndThenThePace(t *testing.T) {
	t.Parallel()
	b := bucket(t, tenPerSecond)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	for i := range 3 {
		if wait := b.Take(now); wait != 0 {
			t.Fatalf("token %d of the burst: wait %v", i, wait)
		}
	}
	if wait := b.Take(now); wait != 100*time.Millisecond {
		t.Errorf("after the burst: wait %v, want 100 ms", wait)
	}
	if wait := b.Take(now + int64(60*time.Millisecond)); wait != 40*time.Millisecond {
		t.Errorf("60 ms later: wait %v, want 40 ms", wait)
	}
	if wait := b.Take(now + int64(100*time.Millisecond)); wait != 0 {
		t.Errorf("100 ms later: wait %v", wait)
	}
	later := now + int64(time.Hour)
	for i := range 3 {
		if wait := b.Take(later); wait != 0 {
			t.Errorf("token %d an hour later: wait %v", i, wait)
		}
	}
	if wait := b.Take(later); wait == 0 {
		t.Error("an hour saved more than the burst")
	}
	b.Return()
	if wait := b.Take(later); wait != 0 {
		t.Errorf("a token that was given back: wait %v", wait)
	}
}

func TestBucket_ClockThatGoesBackGivesNothing(t *testing.T) {
	t.Parallel()
	b := bucket(t, pace.Rate{Every: time.Second, Burst: 1})
	b.Take(int64(time.Hour))
	if wait := b.Take(0); wait < time.Hour {
		t.Errorf("wait %v", wait)
	}
}

// However many take at once, no more get one than there are.
func TestBucket_ManyTakeAtOnce(t *testing.T) {
	t.Parallel()
	b := bucket(t, pace.Rate{Every: time.Second, Burst: 100})
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if b.Take(1) == 0 {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	if taken.Load() != 100 {
		t.Errorf("%d tokens of 100", taken.Load())
	}
}

func TestTable_FindsTheSameBucketAgain(t *testing.T) {
	t.Parallel()
	table := pace.NewTable(10)
	key := pace.Key{Principal: "a", Policy: "p", Rate: tenPerSecond}
	first, _ := table.Bucket(key, 0)
	if again, _ := table.Bucket(key, 0); again != first {
		t.Error("another bucket for the same key")
	}
	key.Rate.Burst++
	if other, _ := table.Bucket(key, 0); other == first {
		t.Error("the bucket of another rate")
	}
}

func TestTable_IsBounded(t *testing.T) {
	t.Parallel()
	const most = 100
	table := pace.NewTable(most)
	now := int64(time.Hour)
	take := func(principal int) *pace.Bucket {
		b, _ := table.Bucket(pace.Key{Principal: strconv.Itoa(principal), Policy: "p", Rate: tenPerSecond}, now)
		b.Take(now)
		return b
	}
	for i := range most {
		take(i)
	}
	beyond := take(most)
	if take(most+1) != beyond {
		t.Error("principals beyond the bound do not share a bucket")
	}
	for i := range 10 * most {
		take(i + most)
	}
	if n := table.Len(); n > most+1 {
		t.Errorf("%d buckets", n)
	}
	now += int64(time.Minute) // all are idle
	b, forgot := table.Bucket(pace.Key{Principal: "new", Policy: "p", Rate: tenPerSecond}, now)
	if !forgot || b == beyond || table.Len() > 2 {
		t.Errorf("idle buckets are kept: forgot %v, %d left", forgot, table.Len())
	}
}

func TestTake_DoesNotAllocate(t *testing.T) {
	b := bucket(t, pace.Rate{Every: 1, Burst: 1})
	if n := testing.AllocsPerRun(100, func() { b.Take(1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
