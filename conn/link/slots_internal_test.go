package link

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// TestSlotsAreAMap compares slots with a map while calls come in order, some stay for long and the numbers go up and down.
func TestSlotsAreAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var s slots[int]
	want := map[uint64]*int{}
	next := uint64(1)
	for round := range 200 {
		for range random.IntN(300) {
			next += 2 * (1 + random.Uint64N(3)) // the other end may leave numbers out
			call := new(int)
			s.put(next, call)
			want[next] = call
		}
		for id, call := range want {
			if random.IntN(10) == 0 && round%20 != 0 { // one in ten stays for long
				continue
			}
			if got := s.take(id); got != call {
				t.Fatalf("round %d: take(%d) = %p, want %p", round, id, got, call)
			}
			delete(want, id)
		}
		checkSlots(t, &s, want, next)
	}
}

func checkSlots(t *testing.T, s *slots[int], want map[uint64]*int, last uint64) {
	t.Helper()
	if s.len() != len(want) {
		t.Fatalf("%d calls, want %d", s.len(), len(want))
	}
	if got := maps.Collect(s.all()); !maps.Equal(got, want) {
		t.Fatalf("all() has %d calls, want %d", len(got), len(want))
	}
	for id := last % 2; id <= last+2; id += 2 {
		if got := s.get(id); got != want[id] {
			t.Fatalf("get(%d) = %p, want %p", id, got, want[id])
		}
		if want[id] == nil && s.take(id) != nil {
			t.Fatalf("take(%d) found a call that is gone", id)
		}
	}
}

// TestSlotsOfOnePlace has more calls in one place of the ring than it can hold.
func TestSlotsOfOnePlace(t *testing.T) {
	var s slots[int]
	calls := map[uint64]*int{}
	for i := range uint64(100) {
		id := 1 + 2*i*maxSlots
		calls[id] = new(int)
		s.put(id, calls[id])
	}
	checkSlots(t, &s, calls, 99)
	for id, call := range calls {
		if s.take(id) != call {
			t.Fatalf("call %d is lost", id)
		}
	}
	checkSlots(t, &s, nil, 99)
}
