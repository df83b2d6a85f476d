package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// topScreen is what top shows on a terminal and what keys change about it. It does no I/O and belongs to one goroutine.
type topScreen struct {
	server string
	series []*meshv1.Series
	at     time.Time // when they were read; zero before the first time
	// trouble is why they could not be read anew; empty when they were.
	trouble string

	order          topOrder
	filter         string
	typing         bool // the filter
	paused, help   bool
	selected       string // the row that Enter opens, by its id; the first if it is not there
	detail         bool
	calls          []*meshv1.Dispatch // the last ones of the row in detail, newest first
	callRow        func(*meshv1.Dispatch) []cell
	width, height  int
	color, stopped bool
}

// seriesID tells rows apart while they change places.
func seriesID(s *meshv1.Series) string {
	return s.GetKind().String() + " " + s.GetNamespace() + " " + s.GetName()
}

// rows are the series that the filter leaves, in order.
func (t *topScreen) rows() []*meshv1.Series {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "/", ".") } // methods are spelled either way
	wanted := fold(t.filter)
	left := slices.DeleteFunc(slices.Clone(t.series), func(s *meshv1.Series) bool {
		return !strings.Contains(fold(seriesTitle(s)+" "+s.GetNamespace()), wanted)
	})
	return t.order.sort(left)
}

// current is the place of the selected row; -1 if there is no row.
func (t *topScreen) current(rows []*meshv1.Series) int {
	if len(rows) == 0 {
		return -1
	}
	return max(0, slices.IndexFunc(rows, func(s *meshv1.Series) bool { return seriesID(s) == t.selected }))
}

// open is the series in detail; nil if there is none.
func (t *topScreen) open() *meshv1.Series {
	rows := t.rows()
	if i := t.current(rows); t.detail && i >= 0 {
		return rows[i]
	}
	return nil
}

// press does what a key asks for.
func (t *topScreen) press(k key) {
	switch {
	case k == keyInterrupt:
		t.stopped = true
	case t.typing:
		t.typeFilter(k)
	case t.help:
		t.help = false
	default:
		t.command(k)
	}
}

func (t *topScreen) typeFilter(k key) {
	switch k {
	case keyEnter:
		t.typing = false
	case keyEscape:
		t.typing, t.filter = false, ""
	case keyBackspace:
		if runes := []rune(t.filter); len(runes) > 0 {
			t.filter = string(runes[:len(runes)-1])
		}
	case keyUp, keyDown:
	default:
		t.filter += string(rune(k))
	}
}

func (t *topScreen) command(k key) {
	switch k {
	case 'q':
		t.stopped = true
	case '?':
		t.help = true
	case '/':
		t.typing, t.detail = true, false
	case 's':
		t.order.by = (t.order.by + 1) % len(topOrders)
	case 'r':
		t.order.reversed = !t.order.reversed
	case 'p', ' ':
		t.paused = !t.paused
	case keyUp, 'k':
		t.move(-1)
	case keyDown, 'j':
		t.move(1)
	case keyEnter:
		t.detail, t.calls = !t.detail, nil
		t.move(0)
	case keyEscape:
		t.back()
	}
}

// back leaves the detail, or else takes the filter away.
func (t *topScreen) back() {
	if t.detail {
		t.detail = false
		return
	}
	t.filter = ""
}

// move selects another row.
func (t *topScreen) move(by int) {
	rows := t.rows()
	if i := t.current(rows); i >= 0 {
		next := seriesID(rows[min(max(i+by, 0), len(rows)-1)])
		if next != t.selected {
			t.calls = nil
		}
		t.selected = next
	}
}

const topKeys = `  ?      this help; any key leaves it
  /      filter by a part of the name; Enter keeps it, Esc takes it away
  s      sort by calls, errors, p50, p99, name in turn
  r      reverse the order
  p      pause, and go on
  j k    down and up, as do the arrows
  Enter  details of the row: the last minute and the last calls
  Esc    back
  q      quit`

// draw returns the lines of the screen.
func (t *topScreen) draw() []string {
	lines := []string{t.headline(), ""}
	switch {
	case t.help:
		for line := range strings.Lines(topKeys) {
			lines = append(lines, cut(strings.TrimSuffix(line, "\n"), t.width))
		}
	case t.open() != nil:
		lines = append(lines, t.detailLines(t.open())...)
	default:
		lines = append(lines, t.tableLines(t.height-len(lines)-2)...)
	}
	lines = lines[:min(len(lines), max(t.height-1, 0))]
	for len(lines) < t.height-1 {
		lines = append(lines, "")
	}
	return append(lines, cut(t.footer(), t.width))
}

func (t *topScreen) headline() string {
	order := "by " + topOrders[t.order.by].name
	if t.order.reversed {
		order += ", reversed"
	}
	words := []string{"collector top", t.server, "last 10 s", order}
	if t.paused {
		words = slices.Insert(words, 1, "PAUSED")
	}
	if t.trouble != "" {
		words = slices.Insert(words, 1, "AS OF "+t.at.Format("15:04:05")+": "+t.trouble)
	}
	return cut(clean(strings.Join(words, " · ")), t.width)
}

func (t *topScreen) footer() string {
	if t.typing {
		return clean("/" + t.filter + "▏  Enter keeps it, Esc takes it away")
	}
	if t.filter != "" {
		return clean(fmt.Sprintf("filter %q: %d of %d · Esc takes it away · ? help", t.filter, len(t.rows()), len(t.series)))
	}
	return "? help · / filter · s sort · r reverse · p pause · Enter details · q quit"
}

// tableLines are the title and as many rows as there is room for, the selected one among them.
func (t *topScreen) tableLines(room int) []string {
	if t.at.IsZero() {
		return []string{"reading …"}
	}
	rows := t.rows()
	if len(rows) == 0 {
		return []string{"no row matches the filter"}
	}
	v := topView(nil, rows)
	style := tableStyle{width: max(t.width-len(topMargin), 1), color: t.color}
	lines := strings.Split(strings.TrimSuffix(table(v.columns, v.rows, style), "\n"), "\n")
	selected := t.current(rows)
	for i, line := range lines {
		lines[i] = t.withMargin(line, i == selected+1)
	}
	first := max(0, min(selected-room/2, len(rows)-room+1))
	return append(lines[:1:1], lines[1+first:]...)
}

// topMargin is where the selected row has a mark.
const topMargin = "  "

func (t *topScreen) withMargin(line string, selected bool) string {
	switch {
	case !selected:
		return topMargin + line
	case t.color:
		return "\x1b[1m> " + line + "\x1b[0m"
	}
	return "> " + line
}

func (t *topScreen) detailLines(s *meshv1.Series) []string {
	total := s.GetTotal()
	lines := []string{
		clean(seriesTitle(s) + "  " + s.GetNamespace()),
		fmt.Sprintf("%s calls/s   errors %s   p50 %s   p90 %s   p99 %s", perSecond(total.GetCalls()).human,
			share(total.GetErrors(), total.GetCalls()).human, span(total.GetP50Nanos()).human, span(total.GetP90Nanos()).human,
			span(total.GetP99Nanos()).human),
		"",
		"calls a second, the last minute   " + sparkline(s.GetPoints(), (*meshv1.Point).GetCalls, count),
		"errors                            " + sparkline(s.GetPoints(), (*meshv1.Point).GetErrors, count),
		"p99                               " + sparkline(s.GetPoints(), (*meshv1.Point).GetP99Nanos, span),
		"",
	}
	for i := range lines {
		lines[i] = cut(lines[i], t.width)
	}
	if len(t.calls) == 0 {
		return append(lines, "no calls are remembered")
	}
	v := view{columns: callColumns()}
	for _, call := range t.calls {
		v.rows = append(v.rows, t.callRow(call))
	}
	drawn := table(v.columns, v.rows, tableStyle{width: t.width, color: t.color})
	return append(lines, strings.Split(strings.TrimSuffix(drawn, "\n"), "\n")...)
}

// sparkline draws values as bars, and says what the highest is worth.
func sparkline(points []*meshv1.Point, value func(*meshv1.Point) int64, unit func(int64) cell) string {
	bars := []rune(" ▁▂▃▄▅▆▇█")
	highest := int64(0)
	for _, p := range points {
		highest = max(highest, value(p))
	}
	if highest == 0 {
		return none
	}
	var b strings.Builder
	for _, p := range points {
		level := 0
		if v := value(p); v > 0 {
			level = 1 + int(float64(len(bars)-2)*float64(v)/float64(highest))
		}
		b.WriteRune(bars[level])
	}
	return b.String() + "  up to " + unit(highest).human
}
