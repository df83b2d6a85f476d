package top

import (
	"slices"
	"strings"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// screen is what top shows on a terminal and what keys change about it. It does no I/O and belongs to one goroutine.
type screen struct {
	server string
	series []*meshv1.Series
	at     time.Time // when they were read; zero before the first time
	// trouble is why they could not be read anew; empty when they were.
	trouble string

	order          order
	filter         string
	typing         bool // the filter
	paused, help   bool
	selected       string // the row that Enter opens, by its id; the first if it is not there
	detail         bool
	calls          []*meshv1.Dispatch // the last ones of the row in detail, newest first
	callTable      func([]*meshv1.Dispatch) render.View
	width, height  int
	color, stopped bool
}

// rows are the series that the filter leaves, in order.
func (t *screen) rows() []*meshv1.Series {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "/", ".") } // methods are spelled either way
	wanted := fold(t.filter)
	left := slices.DeleteFunc(slices.Clone(t.series), func(s *meshv1.Series) bool {
		return !strings.Contains(fold(title(s)+" "+s.GetNamespace()), wanted)
	})
	return t.order.sort(left)
}

// current is the place of the selected row; -1 if there is no row.
func (t *screen) current(rows []*meshv1.Series) int {
	if len(rows) == 0 {
		return -1
	}
	return max(0, slices.IndexFunc(rows, func(s *meshv1.Series) bool { return seriesID(s) == t.selected }))
}

// open is the series in detail; nil if there is none.
func (t *screen) open() *meshv1.Series {
	rows := t.rows()
	if i := t.current(rows); t.detail && i >= 0 {
		return rows[i]
	}
	return nil
}

// press does what a key asks for.
func (t *screen) press(k terminal.Key) {
	switch {
	case k == terminal.KeyInterrupt:
		t.stopped = true
	case t.typing:
		t.typeFilter(k)
	case t.help:
		t.help = false
	default:
		t.command(k)
	}
}

func (t *screen) typeFilter(k terminal.Key) {
	switch k {
	case terminal.KeyEnter:
		t.typing = false
	case terminal.KeyEscape:
		t.typing, t.filter = false, ""
	case terminal.KeyBackspace:
		if runes := []rune(t.filter); len(runes) > 0 {
			t.filter = string(runes[:len(runes)-1])
		}
	case terminal.KeyUp, terminal.KeyDown:
	default:
		t.filter += string(rune(k))
	}
}

func (t *screen) command(k terminal.Key) {
	switch k {
	case 'q':
		t.stopped = true
	case '?':
		t.help = true
	case '/':
		t.typing, t.detail = true, false
	case 's':
		t.order.by = (t.order.by + 1) % len(orders)
	case 'r':
		t.order.reversed = !t.order.reversed
	case 'p', ' ':
		t.paused = !t.paused
	case terminal.KeyUp, 'k':
		t.move(-1)
	case terminal.KeyDown, 'j':
		t.move(1)
	case terminal.KeyEnter:
		t.detail, t.calls = !t.detail, nil
		t.move(0)
	case terminal.KeyEscape:
		t.back()
	}
}

// back leaves the detail, or else takes the filter away.
func (t *screen) back() {
	if t.detail {
		t.detail = false
		return
	}
	t.filter = ""
}

// move selects another row.
func (t *screen) move(by int) {
	rows := t.rows()
	if i := t.current(rows); i >= 0 {
		next := seriesID(rows[min(max(i+by, 0), len(rows)-1)])
		if next != t.selected {
			t.calls = nil
		}
		t.selected = next
	}
}
