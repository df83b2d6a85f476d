package slots

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// TestSlotsAreAMap compares slots with a map while calls come in order, some stay for long and the numbers go up and down.
func TestSlotsAreAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var s Table[int]
	want := map[uint64]*int{}
	next := uint64(1)
	for round := range 200 {
		for range random.IntN(300) {
			next += 2 * (1 + random.Uint64N(3)) // the other end may leave numbers out
			call := new(int)
			s.Put(next, call)
			want[next] = call
		}
		for id, call := range want {
			if random.IntN(10) == 0 && round%20 != 0 { // one in ten stays for long
				continue
			}
			if got := s.Remove(id); got != call {
				t.Fatalf("round %d: Remove(%d) = %p, want %p", round, id, got, call)
			}
			delete(want, id)
		}
		checkSlots(t, &s, want, next)
	}
}

func checkSlots(t *testing.T, s *Table[int], want map[uint64]*int, last uint64) {
	t.Helper()
	if s.Len() != len(want) {
		t.Fatalf("%d calls, want %d", s.Len(), len(want))
	}
	if got := maps.Collect(s.All()); !maps.Equal(got, want) {
		t.Fatalf("All() has %d calls, want %d", len(got), len(want))
	}
	for id := last % 2; id <= last+2; id += 2 {
		if got := s.Get(id); got != want[id] {
			t.Fatalf("Get(%d) = %p, want %p", id, got, want[id])
		}
		if want[id] == nil && s.Remove(id) != nil {
			t.Fatalf("Remove(%d) found a call that is gone", id)
		}
	}
}

// TestSlotsOfOnePlace has more calls in one place of the ring than it can hold.
func TestSlotsOfOnePlace(t *testing.T) {
	var s Table[int]
	calls := map[uint64]*int{}
	for i := range uint64(100) {
		id := 1 + 2*i*maxSlots
		calls[id] = new(int)
		s.Put(id, calls[id])
	}
	checkSlots(t, &s, calls, 99)
	for id, call := range calls {
		if s.Remove(id) != call {
			t.Fatalf("call %d is lost", id)
		}
	}
	checkSlots(t, &s, nil, 99)
}
