package account

import (
	"slices"
	"testing"
)

// message is a waiter that asks for the same again.
type message struct {
	of   *Account
	size int
	got  bool
}

func (m *message) Resume() bool {
	m.got = m.of.Promise(m.size, m.size, m)
	return m.got
}

// TestPromises wants large messages to get their memory one after the other, in the order in which they ask, and no more than
// a quarter of the limit together; one may be as large as there is room for.
func TestPromises(t *testing.T) {
	t.Parallel()
	var a Account
	a.SetLimit(200)
	first, second, third := &message{of: &a, size: 30}, &message{of: &a, size: 40}, &message{of: &a, size: 10}
	for _, m := range []*message{first, second, third} {
		m.Resume()
	}
	if !first.got || second.got || !third.got || a.Held() != 40 {
		t.Fatalf("first %v, second %v, third %v, %d held", first.got, second.got, third.got, a.Held())
	}
	a.Keep(30, 30) // the first is given up
	a.Wake()
	if !second.got || a.Held() != 50 {
		t.Fatalf("the second has not got what was given back: %d held", a.Held())
	}
	large := &message{of: &a, size: 140}
	large.Resume()
	a.Keep(40, 0) // whole, and held
	a.Keep(10, 0)
	a.Wake()
	if large.got {
		t.Fatal("a promise beyond the limit")
	}
	a.Give(50)
	a.Wake()
	if !large.got || a.Held() != 140 {
		t.Fatalf("the only large message has no promise: %d held", a.Held())
	}
}

// TestForget wants a waiter that is gone not to keep the next one waiting.
func TestForget(t *testing.T) {
	t.Parallel()
	var a Account
	a.SetLimit(100)
	waiting := []*message{{of: &a, size: 50}, {of: &a, size: 50}, {of: &a, size: 50}}
	for _, m := range waiting {
		m.Resume()
	}
	a.Forget(waiting[1])
	a.Forget(waiting[0])
	a.Keep(50, 50)
	a.Wake()
	got := []bool{waiting[0].got, waiting[1].got, waiting[2].got}
	if !slices.Equal(got, []bool{true, false, true}) || a.Held() != 50 || a.waits.Load() != 0 {
		t.Errorf("got %v, %d held, %d wait", got, a.Held(), a.waits.Load())
	}
}

// TestShare wants a quarter of the limit to be there for what is no call.
func TestShare(t *testing.T) {
	t.Parallel()
	var a Account
	a.SetLimit(100)
	if !a.Take(75) || a.Room(1) || a.Take(1) {
		t.Error("calls have more than three quarters")
	}
	if !a.TakeAny(24) || a.TakeAny(1) {
		t.Error("more than the limit, or less")
	}
}
