package ledger

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Book is what was written of a test.
type Book struct {
	Outcomes []Outcome // in the order in which they were planned
	Runs     map[uint64][]Run
}

// OutcomesSuffix is that of the files of clients in the directory of a test.
const OutcomesSuffix = ".outcomes"

// Read reads what hosts and clients wrote into a directory.
func Read(dir string) (*Book, error) {
	outcomes, err := filepath.Glob(filepath.Join(dir, "*"+OutcomesSuffix))
	if err != nil {
		return nil, err
	}
	runs, err := readRuns(dir)
	if err != nil {
		return nil, err
	}
	b := &Book{Runs: runs}
	for _, path := range outcomes {
		some, err := readOutcomes(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		b.Outcomes = append(b.Outcomes, some...)
	}
	slices.SortFunc(b.Outcomes, func(a, b Outcome) int { return int(a.Planned - b.Planned) })
	return b, nil
}

// Window is the part of the book with the calls that were planned from one time until before another.
func (b *Book) Window(from, to time.Time) *Book {
	return b.Where(func(o *Outcome) bool { return o.Planned >= from.UnixNano() && o.Planned < to.UnixNano() })
}

// Where is the part with the calls that are asked for.
func (b *Book) Where(is func(*Outcome) bool) *Book {
	part := &Book{Runs: b.Runs}
	for _, o := range b.Outcomes {
		if is(&o) {
			part.Outcomes = append(part.Outcomes, o)
		}
	}
	return part
}

// Reads is the part with the calls that may be repeated.
func (b *Book) Reads() *Book { return b.Where(func(o *Outcome) bool { return !o.Write }) }

// Writes is the part with those that may not.
func (b *Book) Writes() *Book { return b.Where(func(o *Outcome) bool { return o.Write }) }

// Failures is the part with those that were not answered.
func (b *Book) Failures() *Book { return b.Where(func(o *Outcome) bool { return !o.OK() }) }

// Answers is the part with those that were.
func (b *Book) Answers() *Book { return b.Where(func(o *Outcome) bool { return o.OK() }) }

// Len is how many calls there are.
func (b *Book) Len() int { return len(b.Outcomes) }

// Failed is how many of them failed.
func (b *Book) Failed() int { return b.Failures().Len() }

// FailedPercent is how many of a hundred failed.
func (b *Book) FailedPercent() float64 {
	if b.Len() == 0 {
		return 0
	}
	return 100 * float64(b.Failed()) / float64(b.Len())
}

// P99 is the time that 99 of a hundred calls were not slower than, and 0 without calls.
func (b *Book) P99() time.Duration {
	return b.percentile(func(o *Outcome) time.Duration { return o.Took() })
}

// Lateness is by how much 99 of a hundred calls at most began later than planned: what a busy machine adds to all times.
func (b *Book) Lateness() time.Duration {
	return b.percentile(func(o *Outcome) time.Duration { return time.Duration(o.Began - o.Planned) })
}

func (b *Book) percentile(of func(*Outcome) time.Duration) time.Duration {
	if b.Len() == 0 {
		return 0
	}
	all := make([]time.Duration, 0, b.Len())
	for i := range b.Outcomes {
		all = append(all, of(&b.Outcomes[i]))
	}
	slices.Sort(all)
	return all[len(all)*99/100]
}

// Lies is the part whose failures say that the handler did not run, although it did.
func (b *Book) Lies() *Book {
	return b.Where(func(o *Outcome) bool { return !o.OK() && o.DidNotRun && len(b.Runs[o.ID]) > 0 })
}

// Wrong is the part with lies, answers of other calls, and answers of what never ran.
func (b *Book) Wrong() *Book {
	return b.Where(func(o *Outcome) bool {
		if ran := len(b.Runs[o.ID]) > 0; !o.OK() {
			return o.DidNotRun && ran
		} else {
			return o.Answered != o.ID || !ran
		}
	})
}

// Double is the part with the calls that may not be repeated, and were.
func (b *Book) Double() *Book {
	return b.Where(func(o *Outcome) bool { return o.Write && len(b.Runs[o.ID]) > 1 })
}

// Runs of a host that began in a window, and of all hosts.
func (b *Book) Share(host string, from, to time.Time) (of, all int) {
	for _, runs := range b.Runs {
		for _, r := range runs {
			if r.Began < from.UnixNano() || r.Began >= to.UnixNano() {
				continue
			}
			if all++; r.Host == host {
				of++
			}
		}
	}
	return of, all
}

// LastEnd is when the last run of a host ended that began before a time.
func (b *Book) LastEnd(host string, before time.Time) time.Time {
	last := int64(0)
	for _, runs := range b.Runs {
		for _, r := range runs {
			if r.Host == host && r.Began < before.UnixNano() {
				last = max(last, r.Ended)
			}
		}
	}
	return time.Unix(0, last)
}

// Causes counts failures by what they say, the most frequent first.
func (b *Book) Causes() []string {
	counts := make(map[string]int)
	for _, o := range b.Outcomes {
		if !o.OK() {
			counts[fmt.Sprintf("%s %s: %.160s", o.Code, o.Reason, o.Message)]++
		}
	}
	var causes []string
	for cause, n := range counts {
		causes = append(causes, fmt.Sprintf("%6d × %s", n, cause))
	}
	slices.Sort(causes)
	slices.Reverse(causes)
	return causes[:min(len(causes), 8)]
}
