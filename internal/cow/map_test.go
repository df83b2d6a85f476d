package cow_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/collectiverpc/collective/internal/cow"
)

func TestWritersTakeTurns(t *testing.T) {
	t.Parallel()
	var m cow.Map[string, int]
	if _, ok := m.Get("a"); ok || len(m.Snapshot()) != 0 {
		t.Error("the zero value is not empty")
	}
	m.Delete("a")
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() { m.Set(strconv.Itoa(i), i) })
	}
	group.Wait()
	held := m.Snapshot()
	for i := range 50 {
		group.Go(func() { m.Delete(strconv.Itoa(i)) })
	}
	group.Wait()
	if len(m.Snapshot()) != 50 || len(held) != 100 {
		t.Errorf("%d are left, want 50; a snapshot of before has %d, want 100", len(m.Snapshot()), len(held))
	}
	if v, ok := m.Get("99"); !ok || v != 99 {
		t.Errorf("99 is %d, %v", v, ok)
	}
}

func TestSnapshotsDoNotChange(t *testing.T) {
	t.Parallel()
	empty := map[string]int(nil)
	one := cow.With(empty, "a", 1)
	two := cow.With(one, "a", 2)
	none := cow.Without(two, "a")
	if len(empty) != 0 || one["a"] != 1 || two["a"] != 2 || len(none) != 0 || len(cow.Without(empty, "a")) != 0 {
		t.Errorf("%v, %v, %v, %v", empty, one, two, none)
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	var m cow.Map[string, int]
	m.Set("a", 1)
	if n := testing.AllocsPerRun(100, func() { m.Get("a") }); n != 0 {
		t.Errorf("a look allocates %v times", n)
	}
}

func TestRememberForgetsAllWhenFull(t *testing.T) {
	t.Parallel()
	var m cow.Map[int, string]
	for i := range 3 {
		m.Remember(i, "v", 3)
	}
	before := m.Snapshot()
	m.Remember(3, "w", 3)
	if got := m.Snapshot(); len(got) != 1 || got[3] != "w" {
		t.Errorf("after the fourth of at most three: %v", got)
	}
	if len(before) != 3 {
		t.Errorf("a snapshot changed: %v", before)
	}
}
