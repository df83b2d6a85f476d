package load

import (
	"testing"
	"time"
)

func TestPlanKeepsItsRates(t *testing.T) {
	t.Parallel()
	p := Plan{Phases: []Phase{{Rate: 10, For: time.Second}, {Rate: 100, For: time.Second}}, Writes: 100}
	calls, last := []int{0, 0}, time.Duration(-1)
	for number := 0; ; number++ {
		at, more := p.at(number)
		if !more {
			break
		}
		if at <= last || at >= p.Took() {
			t.Fatalf("call %d is planned at %v, after %v", number, at, last)
		}
		last = at
		calls[int(at/time.Second)]++
	}
	if calls[0] != 10 || calls[1] != 100 {
		t.Errorf("%v calls in the phases, want 10 and 100", calls)
	}
}

func TestPlanMixesItsCalls(t *testing.T) {
	t.Parallel()
	p := Plan{Number: 3, Writes: 91, Long: 30, LongWork: time.Second, Work: 10 * time.Millisecond}
	ids, writes, long, work := make(map[uint64]bool), []int{0, 0}, 0, time.Duration(0)
	for number := range 1000 {
		c := p.call(number)
		ids[c.id] = true
		if c.write {
			writes[number%2]++
		}
		if c.work == p.LongWork {
			long++
			continue
		}
		if c.work < 5*time.Millisecond || c.work > 15*time.Millisecond {
			t.Fatalf("call %d takes %v", number, c.work)
		}
		work += c.work
	}
	if len(ids) != 1000 || writes[0]+writes[1] != 91 || long != 30 {
		t.Errorf("%d ids, %v writes, %d long", len(ids), writes, long)
	}
	if writes[0] < 30 || writes[1] < 30 {
		t.Errorf("of two clients one has %d writes and one %d", writes[0], writes[1])
	}
	if mean := work / 970; mean < 9*time.Millisecond || mean > 11*time.Millisecond {
		t.Errorf("calls take %v", mean)
	}
}
