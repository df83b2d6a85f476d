package ledger_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/ledger"
)

// written writes outcomes as clients do, and runs as hosts do, and reads both.
func written(t *testing.T, runs []uint64, outcomes ...ledger.Outcome) *ledger.Book {
	t.Helper()
	dir := t.TempDir()
	for i, host := range []string{"b", "c"} { // the second host runs what has another run already
		r, err := ledger.OpenRuns(dir, host)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[uint64]bool)
		for _, id := range runs {
			if again := seen[id]; again == (i == 1) {
				if err := r.Begin(id); err != nil {
					t.Fatal(err)
				}
				if err := r.End(id); err != nil {
					t.Fatal(err)
				}
			}
			seen[id] = true
		}
	}
	all := make(chan ledger.Outcome, len(outcomes))
	for _, o := range outcomes {
		all <- o
	}
	close(all)
	var text bytes.Buffer
	if err := ledger.WriteOutcomes(&text, all); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "clients"+ledger.OutcomesSuffix)
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := ledger.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBookTellsWhatIsNotTrue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		runs                 []uint64
		outcome              ledger.Outcome
		lies, wrong, doubled int
	}{
		"answered":                         {[]uint64{1}, ledger.Outcome{ID: 1, Answered: 1}, 0, 0, 0},
		"answered without a run":           {nil, ledger.Outcome{ID: 1, Answered: 1}, 0, 1, 0},
		"answered with another's answer":   {[]uint64{1, 2}, ledger.Outcome{ID: 1, Answered: 2}, 0, 1, 0},
		"failed, did not run":              {nil, ledger.Outcome{ID: 1, Code: "unavailable", DidNotRun: true}, 0, 0, 0},
		"failed, ran, says it did not":     {[]uint64{1}, ledger.Outcome{ID: 1, Code: "unavailable", DidNotRun: true}, 1, 1, 0},
		"failed, ran, says it may have":    {[]uint64{1}, ledger.Outcome{ID: 1, Code: "unavailable"}, 0, 0, 0},
		"a read that ran twice":            {[]uint64{1, 1}, ledger.Outcome{ID: 1, Answered: 1}, 0, 0, 0},
		"a write that ran twice":           {[]uint64{1, 1}, ledger.Outcome{ID: 1, Answered: 1, Write: true}, 0, 0, 1},
		"a failed write that ran twice":    {[]uint64{1, 1}, ledger.Outcome{ID: 1, Code: "unavailable", Write: true}, 0, 0, 1},
		"another write that ran only once": {[]uint64{1, 2}, ledger.Outcome{ID: 1, Answered: 1, Write: true}, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := written(t, c.runs, c.outcome)
			if lies, wrong, doubled := b.Lies().Len(), b.Wrong().Len(), b.Double().Len(); lies != c.lies || wrong != c.wrong || doubled != c.doubled {
				t.Errorf("%d lies, %d wrong, %d double, want %d, %d, %d", lies, wrong, doubled, c.lies, c.wrong, c.doubled)
			}
		})
	}
}

// Times are counted from when a call was planned: what waits behind something slow is slow, too.
func TestTimesAreCountedFromThePlan(t *testing.T) {
	t.Parallel()
	b := written(t, nil,
		ledger.Outcome{ID: 1, Planned: 0, Began: 0, Ended: int64(time.Second)},
		ledger.Outcome{ID: 2, Planned: 1, Began: int64(time.Second), Ended: int64(2 * time.Second)})
	if got := b.P99(); got != 2*time.Second-1 {
		t.Errorf("p99 is %v", got)
	}
	if got := b.Lateness(); got != time.Second-1 {
		t.Errorf("begun up to %v late", got)
	}
	if got := b.Window(time.Unix(0, 1), time.Unix(0, 2)); got.Len() != 1 || got.Outcomes[0].ID != 2 {
		t.Errorf("the window has %v", got.Outcomes)
	}
}
