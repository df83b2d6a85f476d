package namesake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// Most is how many runs are remembered whose link was replaced.
	Most = 4
	// For is for how long, since they were last seen.
	For = 5 * time.Minute
)

// Run is one run of a collector.
type Run struct {
	Session string
	Place   string // where it is, in words
	Seen    time.Time
	Proven  bool // it still ran after its link was replaced
}

// List is the namesakes of the run that is connected, the last seen first. The zero value is empty.
type List struct{ runs []Run }

// Knows reports whether a session is that of a namesake.
func (l *List) Knows(session string) bool { return l.at(session) >= 0 }

func (l *List) at(session string) int {
	return slices.IndexFunc(l.runs, func(r Run) bool { return r.Session == session })
}

// Note remembers a run, and forgets the one not seen for longest if there are too many. Once proven, a run stays so. It
// reports whether it is.
func (l *List) Note(run Run) (proven bool) {
	if at := l.at(run.Session); at >= 0 {
		run.Proven = run.Proven || l.runs[at].Proven
		l.runs = slices.Delete(l.runs, at, at+1)
	}
	l.runs = slices.Insert(l.runs, 0, run)
	l.runs = l.runs[:min(len(l.runs), Most)]
	return run.Proven
}

// Drop forgets a run: it is the one that is connected.
func (l *List) Drop(session string) {
	l.runs = slices.DeleteFunc(l.runs, func(r Run) bool { return r.Session == session })
}

// Expire forgets those that were not seen for long.
func (l *List) Expire(now time.Time) {
	l.runs = slices.DeleteFunc(l.runs, func(r Run) bool { return now.Sub(r.Seen) >= For })
}

// Conflict says which processes run under an id beside the one that is connected, and what to do; empty if there is but
// one.
func (l *List) Conflict(id string, connected Run) string {
	var others []string
	for _, r := range l.runs {
		if r.Proven {
			others = append(others, fmt.Sprintf("session %s, %s", r.Session, r.Place))
		}
	}
	if len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("collector id %q is used by %d processes: session %s, %s, is connected; %s, is not; stop all but one, or give each its own id",
		id, len(others)+1, connected.Session, connected.Place, strings.Join(others, ", is not; "))
}
