package trie_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/collectiverpc/collective/internal/trie"
)

// Any edits make what they make of a Go map, leave the maps before as they were, and are told by Changes, each key once.
func TestEditsAreThoseOfAMap(t *testing.T) {
	t.Parallel()
	for _, keys := range []int{3, 40, 3000} {
		random := rand.New(rand.NewPCG(1, uint64(keys)))
		var at trie.Map[int]
		want := make(map[string]int)
		for range 300 {
			before, was := at, maps.Clone(want)
			e := at.Edit()
			for range random.IntN(keys) {
				key := strconv.Itoa(random.IntN(keys))
				if random.IntN(3) > 0 {
					e.Set(key, random.IntN(3))
					want[key], _ = e.Get(key)
				} else {
					e.Delete(key)
					delete(want, key)
				}
			}
			at = e.Map()
			e.Set("later", 1) // is not seen
			check(t, at, want)
			check(t, before, was)
			var changed []string
			for key := range maps.Keys(union(want, was)) {
				now, is := want[key]
				if then, had := was[key]; is != had || now != then {
					changed = append(changed, key)
				}
			}
			got := slices.Sorted(at.Changes(before))
			if slices.Sort(changed); !slices.Equal(got, changed) {
				t.Fatalf("changes %v, want %v", got, changed)
			}
		}
	}
}

func union(a, b map[string]int) map[string]int {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func check(t *testing.T, m trie.Map[int], want map[string]int) {
	t.Helper()
	if m.Len() != len(want) || !maps.Equal(maps.Collect(m.All()), want) {
		t.Fatalf("%d values, want %d", m.Len(), len(want))
	}
	for key, value := range want {
		if got, ok := m.Get(key); !ok || got != value {
			t.Fatalf("%s is %d, %v", key, got, ok)
		}
	}
	if _, ok := m.Get("none"); ok || m.Without("none").Len() != len(want) || m.With("none", 1).Len() != len(want)+1 {
		t.Fatal("none is there")
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	m := trie.Map[int]{}.With("a", 1)
	if n := testing.AllocsPerRun(100, func() { m.Get("a") }); n != 0 {
		t.Errorf("a look allocates %v times", n)
	}
}

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "/shop.v1.Orders" + strconv.Itoa(i/50) + "/Create" + strconv.Itoa(i%50)
	}
	return all
}

func BenchmarkGet(b *testing.B) {
	for _, size := range []int{100, 2000, 100_000} {
		keys := names(size)
		e, plain := trie.Map[int]{}.Edit(), make(map[string]int)
		for i, key := range keys {
			e.Set(key, i)
			plain[key] = i
		}
		m := e.Map()
		b.Run("trie"+strconv.Itoa(size), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				m.Get(keys[i%size])
			}
		})
		b.Run("map"+strconv.Itoa(size), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				_ = plain[keys[i%size]]
			}
		})
		b.Run("with"+strconv.Itoa(size), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				m.With(keys[i%size], -1)
			}
		})
	}
}
