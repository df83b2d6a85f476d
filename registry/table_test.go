package registry

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// check verifies the invariant of a table.
func (t *table[V]) check() error {
	seen := make(map[key]bool)
	for at, bucket := range t.buckets {
		for _, e := range bucket {
			if t.hash(e.key) != e.hash || e.hash&uint64(len(t.buckets)-1) != uint64(at) || seen[e.key] {
				return fmt.Errorf("entry %v in bucket %d of %d is wrong or twice there", e.key, at, len(t.buckets))
			}
			seen[e.key] = true
		}
	}
	if len(t.buckets)&(len(t.buckets)-1) != 0 || len(seen) != t.size {
		return fmt.Errorf("%d entries in %d buckets, size says %d", len(seen), len(t.buckets), t.size)
	}
	return nil
}

// TestTableIsAMap does at random what a map does too, and looks at every version once more at the end.
func TestTableIsAMap(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	type version struct {
		table *table[int]
		want  map[key]int
	}
	current, want := newTable[int](), make(map[key]int)
	var versions []version
	for range 300 {
		edit := current.edit()
		for range random.IntN(12) {
			k := key{fmt.Sprint(random.IntN(150)), fmt.Sprint(random.IntN(3))}
			if random.IntN(3) == 0 {
				edit.remove(k)
				delete(want, k)
			} else {
				value := random.Int()
				edit.set(k, value)
				want[k] = value
			}
		}
		current = edit.done()
		versions = append(versions, version{current, maps.Clone(want)})
	}
	for i, v := range versions {
		if err := v.table.check(); err != nil {
			t.Fatalf("version %d: %v", i, err)
		}
		if diff := cmp.Diff(v.want, maps.Collect(v.table.all()), cmp.AllowUnexported(key{})); diff != "" {
			t.Fatalf("version %d: (-want +got)\n%s", i, diff)
		}
		for k, value := range v.want {
			if got, ok := v.table.get(k); !ok || got != value {
				t.Fatalf("version %d: get(%v) = %d, %v, want %d", i, k, got, ok, value)
			}
		}
	}
}
