package render

import (
	"strings"
	"unicode/utf8"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
)

// gap is what stands between two columns.
const gap = "  "

// Style is how a table is drawn.
type Style struct {
	Width int // lines are cut to this many columns; 0 for no bound
	Color bool
}

// Table aligns rows under their titles, a line for each. No rows make no table.
func Table(columns []Column, rows [][]Cell, style Style) []string {
	if len(rows) == 0 {
		return nil
	}
	widths := columnWidths(columns, rows)
	titles := make([]Cell, len(columns))
	for i, c := range columns {
		titles[i] = Text(c.Title)
	}
	lines := []string{drawRow(columns, titles, widths, Style{Width: style.Width})}
	for _, row := range rows {
		lines = append(lines, drawRow(columns, row, widths, style))
	}
	return lines
}

func columnWidths(columns []Column, rows [][]Cell) []int {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = utf8.RuneCountInString(c.Title)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].Human))
		}
	}
	return widths
}

// drawRow pads, cuts and then colours, so that escape sequences do not count.
func drawRow(columns []Column, row []Cell, widths []int, style Style) string {
	var line strings.Builder
	left := style.Width
	if left == 0 {
		left = 1 << 20
	}
	for i, cell := range row {
		text := words.Clean(cell.Human)
		if i < len(row)-1 {
			text += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)) + gap
		}
		text = words.Cut(text, left)
		left -= utf8.RuneCountInString(text)
		if columns[i].State && style.Color {
			text = paint(text)
		}
		line.WriteString(text)
	}
	return strings.TrimRight(line.String(), " ")
}

// colors are the SGR codes of state words.
var colors = map[string]string{
	"active": "32", "idle": "36", "stale": "33", "closed": "2", "failed": "31",
	"YES": "32", "ok": "32", "PROBLEM": "31",
}

// paint colours a state word.
func paint(text string) string {
	color, ok := colors[strings.TrimSpace(text)]
	if !ok {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
