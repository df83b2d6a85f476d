package observe

import (
	"sync"

	"connectrpc.com/connect/v2"
)

// watchers counts who watches. No principal can have more than a share of the places, so that one who opens streams and
// never reads them keeps nobody else from looking.
type watchers struct {
	most, share int // in all, and of one principal

	mu  sync.Mutex
	all int
	of  map[string]int // by principal; none is 0
}

func newWatchers(most int) *watchers {
	return &watchers{most: most, share: max(1, most/watcherShares), of: make(map[string]int)}
}

// watcherShares is how many principals find places whatever each of them does.
const watcherShares = 4

// enter takes a place, which leave gives back, or refuses. The refusal says whether it is the principal's own watchers that are
// too many, who alone can do something about it, or everybody's.
func (w *watchers) enter(principal string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.of[principal] >= w.share:
		return connect.Errorf(connect.CodeResourceExhausted, "you have %d watchers at this collector already, as many as one may have; close one", w.share)
	case w.all >= w.most:
		return connect.Errorf(connect.CodeResourceExhausted, "this collector has %d watchers already; close one", w.most)
	}
	w.all++
	w.of[principal]++
	return nil
}

// leave is called once for each enter that took a place. What is counted for a principal is forgotten with its last watcher.
func (w *watchers) leave(principal string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all--
	if w.of[principal]--; w.of[principal] == 0 {
		delete(w.of, principal)
	}
}
