package recall_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/collectiverpc/collective/access/internal/recall"
)

func TestMap_RemembersWhatIsPut(t *testing.T) {
	t.Parallel()
	m := recall.New[int, string](1000)
	for i := range 1000 {
		m.Put(i, strconv.Itoa(i))
		for range 2 {
			for _, j := range []int{0, i / 2, i} {
				if got, ok := m.Get(j); !ok || got != strconv.Itoa(j) {
					t.Fatalf("after %d: %d is %q, %v", i, j, got, ok)
				}
			}
		}
	}
	if _, ok := m.Get(1000); ok || m.Len() != 1000 {
		t.Errorf("%d values", m.Len())
	}
}

// Whoever comes second gets what the first has put.
func TestMap_FirstPutWins(t *testing.T) {
	t.Parallel()
	m := recall.New[string, int](10)
	for _, v := range []int{1, 2} {
		if got := m.Put("a", v); got != 1 {
			t.Errorf("Put %d gives %d", v, got)
		}
	}
	m.Get("a") // now it is in the table
	if got := m.Put("a", 3); got != 1 {
		t.Errorf("after the promotion Put gives %d", got)
	}
}

func TestMap_IsBounded(t *testing.T) {
	t.Parallel()
	m := recall.New[int, int](100)
	for i := range 10_000 {
		m.Put(i, i)
		m.Get(i)
		if n := m.Len(); n > 100 {
			t.Fatalf("%d values after %d", n, i)
		}
	}
	if got, ok := m.Get(9_999); !ok || got != 9_999 {
		t.Error("the last is forgotten")
	}
}

// What is asked for often takes no lock: as many look-ups as there are entries promote them all.
func TestMap_WhatIsAskedForIsPromoted(t *testing.T) {
	t.Parallel()
	m := recall.New[int, int](100)
	for i := range 50 {
		m.Put(i, i)
	}
	for i := range 50 {
		m.Get(i)
	}
	if n := testing.Benchmark(func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				m.Get(7)
			}
		})
	}); n.AllocsPerOp() != 0 {
		t.Errorf("%v", n)
	}
}

func TestMap_ManyAtOnce(t *testing.T) {
	t.Parallel()
	m := recall.New[int, int](64)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 5000 {
				key := (i * (worker + 1)) % 200
				if got, ok := m.Get(key); ok && got != key {
					t.Errorf("%d is %d", key, got)
				}
				if got := m.Put(key, key); got != key {
					t.Errorf("%d is %d", key, got)
				}
			}
		})
	}
	all.Wait()
}
