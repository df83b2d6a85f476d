package audit

import (
	"time"

	"github.com/collectiverpc/collective/access"
)

// How denials are put together.
const (
	// Together is how long equal denials are counted in one row, from the first one on.
	Together = 10 * time.Second
	// MostOfCaller is how many different denials of one caller are kept one by one in that time; the rest is one row.
	MostOfCaller = 32
	// mostOpen bounds what is known of rows that may still be counted up.
	mostOpen = 4096
)

// tooMany is the reason of the row of a flood.
const tooMany = "more was denied to this caller than is kept one by one"

// likeness is what equal denials have in common.
type likeness struct {
	who                                  caller
	action, namespace, procedure, reason string
}

// caller is who asks, from where: a principal may be denied at home what it may do elsewhere.
type caller struct {
	kind             access.Kind
	id, network, via string
}

// floods finds the row that a denial is to be counted in. It is guarded by its owner.
type floods struct {
	open    map[likeness]*Row
	callers map[caller]int // open rows of each
	swept   time.Time
}

// likenessOf leaves out what differs between equal ones: when, and which policies.
func likenessOf(e *access.Event) likeness {
	return likeness{caller{e.Kind, e.ID, e.Network, e.Via}, e.Action, e.Namespace, e.Procedure, e.Reason}
}

// find is the row to count a denial in; nil for a new one. The event becomes that of the flood where there are too many.
func (f *floods) find(e *access.Event) *Row {
	f.sweep(e.Time)
	like := likenessOf(e)
	if row := f.open[like]; row != nil {
		return row
	}
	if f.callers[like.who] < MostOfCaller && len(f.open) < mostOpen {
		return nil
	}
	e.Namespace, e.Procedure, e.Reason, e.Policies, e.Detail = "", "", tooMany, nil, nil
	if len(f.open) >= mostOpen { // of many callers
		e.Kind, e.ID, e.Network, e.Via = "", "", "", ""
	}
	return f.open[likenessOf(e)]
}

// add lets further denials be counted in a row.
func (f *floods) add(row *Row) {
	like := likenessOf(&row.Event)
	f.open[like] = row
	f.callers[like.who]++
}

// sweep lets go of rows whose time is over.
func (f *floods) sweep(now time.Time) {
	if now.Sub(f.swept) < Together/10 {
		return
	}
	f.swept = now
	for like, row := range f.open {
		if now.Sub(row.Time) < Together {
			continue
		}
		delete(f.open, like)
		if f.callers[like.who]--; f.callers[like.who] <= 0 {
			delete(f.callers, like.who)
		}
	}
}
