package access

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// The bounds of what is reported of denials, so that whoever is denied cannot fill a disk by asking again.
const (
	denialWindow = 10 * time.Second // in which the same denial is told once, and then by a count
	maxDenials   = 64               // different denials that are told one by one in a window
)

// denial is what denials are counted by.
type denial struct {
	caller   callerID // zero for credentials that were refused
	remote   string   // the host, for those
	why      string   // what kind of refusal, for those
	action   string
	resource Resource
	limited  bool // a rate was exceeded
}

// auditor passes events on: at once what is allowed and the first denial of a kind, and how many more there were when the
// window ends.
type auditor struct {
	now func() time.Time

	listening sync.Mutex
	sinks     []*func(Event) // who is told; replaced as a whole

	telling sync.Mutex // held while counts are told, so that close waits for a window that just ends

	mu     sync.Mutex
	window map[denial]*Event // each with a count of those that are not told yet; nil between windows
	others map[string]*Event // by action, what came when there was no more room
	timer  *time.Timer
	closed bool
}

// tell passes an event to everybody who listens.
func (a *auditor) tell(e Event) {
	a.listening.Lock()
	sinks := a.sinks
	a.listening.Unlock()
	for _, sink := range sinks {
		(*sink)(e)
	}
}

// listen adds a sink until the function that it returns is called.
func (a *auditor) listen(sink func(Event)) (remove func()) {
	a.listening.Lock()
	defer a.listening.Unlock()
	added := &sink
	a.sinks = append(slices.Clone(a.sinks), added)
	return func() {
		a.listening.Lock()
		defer a.listening.Unlock()
		a.sinks = slices.DeleteFunc(slices.Clone(a.sinks), func(other *func(Event)) bool { return other == added })
	}
}

// allowed passes an event on.
func (a *auditor) allowed(e Event) { a.tell(e) }

// denied passes an event on, or counts it.
func (a *auditor) denied(key denial, e Event) {
	if a.isFirst(key, e) {
		a.tell(e)
	}
}

// isFirst reports whether an event is the first of its kind in this window; others are counted.
func (a *auditor) isFirst(key denial, e Event) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	if a.window == nil {
		a.window, a.others = make(map[denial]*Event), make(map[string]*Event)
		a.timer = time.AfterFunc(denialWindow, a.flush)
	}
	if told, ok := a.window[key]; ok {
		told.Count++
		return false
	}
	if len(a.window) < maxDenials {
		a.window[key] = &e
		return true
	}
	a.countOther(e)
	return false
}

// countOther counts an event for which there is no room, by its action: of who asked and for what the last is kept.
func (a *auditor) countOther(e Event) {
	if other, ok := a.others[e.Action]; ok {
		e.Count = other.Count
	}
	e.Count++
	e.Reason = "denied to more callers, or for more resources, than are told one by one; the last: " + e.Reason
	a.others[e.Action] = &e
}

// flush ends the window and tells its counts.
func (a *auditor) flush() {
	a.telling.Lock()
	defer a.telling.Unlock()
	for _, e := range a.endWindow() {
		a.tell(e)
	}
}

func (a *auditor) endWindow() []Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	var counted []Event
	for told := range maps.Values(a.window) {
		if told.Count > 0 {
			counted = append(counted, *told)
		}
	}
	for other := range maps.Values(a.others) {
		counted = append(counted, *other)
	}
	a.window, a.others = nil, nil
	if a.timer != nil {
		a.timer.Stop()
	}
	now := a.now()
	for i := range counted {
		counted[i].Time = now
	}
	slices.SortFunc(counted, func(x, y Event) int { return y.Count - x.Count })
	return counted
}

// close tells what is counted, and nothing from then on.
func (a *auditor) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.flush()
}
