package top

import (
	"fmt"
	"slices"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

const keysHelp = `  ?      this help; any key leaves it
  /      filter by a part of the name; Enter keeps it, Esc takes it away
  s      sort by calls, errors, p50, p99, name in turn
  r      reverse the order
  p      pause, and go on
  j k    down and up, as do the arrows
  Enter  details of the row: the last minute and the last calls
  Esc    back
  q      quit`

// draw returns the lines of the screen.
func (t *screen) draw() []string {
	lines := []string{t.headline(), ""}
	switch {
	case t.help:
		for line := range strings.Lines(keysHelp) {
			lines = append(lines, words.Cut(strings.TrimSuffix(line, "\n"), t.width))
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
	return append(lines, words.Cut(t.footer(), t.width))
}

func (t *screen) headline() string {
	order := "by " + orders[t.order.by].name
	if t.order.reversed {
		order += ", reversed"
	}
	parts := []string{"collector top", t.server, "last 10 s", order}
	if t.paused {
		parts = slices.Insert(parts, 1, "PAUSED")
	}
	if t.trouble != "" {
		parts = slices.Insert(parts, 1, "AS OF "+t.at.Format("15:04:05")+": "+t.trouble)
	}
	return words.Cut(words.Clean(strings.Join(parts, " · ")), t.width)
}

func (t *screen) footer() string {
	if t.typing {
		return words.Clean("/" + t.filter + "▏  Enter keeps it, Esc takes it away")
	}
	if t.filter != "" {
		return words.Clean(fmt.Sprintf("filter %q: %d of %d · Esc takes it away · ? help", t.filter, len(t.rows()), len(t.series)))
	}
	return "? help · / filter · s sort · r reverse · p pause · Enter details · q quit"
}

// tableLines are the title and as many rows as there is room for, the selected one among them.
func (t *screen) tableLines(room int) []string {
	if t.at.IsZero() {
		return []string{"reading …"}
	}
	rows := t.rows()
	if len(rows) == 0 {
		return []string{"no row matches the filter"}
	}
	v := table(rows)
	lines := render.Table(v.Columns, v.Rows, render.Style{Width: max(t.width-len(margin), 1), Color: t.color})
	selected := t.current(rows)
	for i, line := range lines {
		lines[i] = t.withMargin(line, i == selected+1)
	}
	first := max(0, min(selected-room/2, len(rows)-room+1))
	return append(lines[:1:1], lines[1+first:]...)
}

// margin is where the selected row has a mark.
const margin = "  "

func (t *screen) withMargin(line string, selected bool) string {
	switch {
	case !selected:
		return margin + line
	case t.color:
		return "\x1b[1m> " + line + "\x1b[0m"
	}
	return "> " + line
}

func (t *screen) detailLines(s *meshv1.Series) []string {
	total := s.GetTotal()
	lines := []string{
		words.Clean(title(s) + "  " + s.GetNamespace()),
		fmt.Sprintf("%s calls/s   errors %s   p50 %s   p90 %s   p99 %s", perSecond(total.GetCalls()).Human,
			render.Share(total.GetErrors(), total.GetCalls()).Human, render.Span(total.GetP50Nanos()).Human, render.Span(total.GetP90Nanos()).Human,
			render.Span(total.GetP99Nanos()).Human),
		"",
		"calls a second, the last minute   " + sparkline(s.GetPoints(), (*meshv1.Point).GetCalls, render.Count),
		"errors                            " + sparkline(s.GetPoints(), (*meshv1.Point).GetErrors, render.Count),
		"p99                               " + sparkline(s.GetPoints(), (*meshv1.Point).GetP99Nanos, render.Span),
		"",
	}
	for i := range lines {
		lines[i] = words.Cut(lines[i], t.width)
	}
	if len(t.calls) == 0 {
		return append(lines, "no calls are remembered")
	}
	v := t.callTable(t.calls)
	return append(lines, render.Table(v.Columns, v.Rows, render.Style{Width: t.width, Color: t.color})...)
}

// sparkline draws values as bars, and says what the highest is worth.
func sparkline(points []*meshv1.Point, value func(*meshv1.Point) int64, unit func(int64) render.Cell) string {
	bars := []rune(" ▁▂▃▄▅▆▇█")
	highest := int64(0)
	for _, p := range points {
		highest = max(highest, value(p))
	}
	if highest == 0 {
		return render.NoValue
	}
	var b strings.Builder
	for _, p := range points {
		level := 0
		if v := value(p); v > 0 {
			level = 1 + int(float64(len(bars)-2)*float64(v)/float64(highest))
		}
		b.WriteRune(bars[level])
	}
	return b.String() + "  up to " + unit(highest).Human
}
