package cli

import (
	"strings"
	"unicode/utf8"
)

// gap is what stands between two columns.
const gap = "  "

// tableStyle is how a table is drawn.
type tableStyle struct {
	width int // lines are cut to this many columns; 0 for no bound
	color bool
}

// table aligns rows under their titles. No rows make no table.
func table(columns []column, rows [][]cell, style tableStyle) string {
	if len(rows) == 0 {
		return ""
	}
	widths := columnWidths(columns, rows)
	titles := make([]cell, len(columns))
	for i, c := range columns {
		titles[i] = text(c.title)
	}
	var b strings.Builder
	writeRow(&b, columns, titles, widths, tableStyle{width: style.width})
	for _, row := range rows {
		writeRow(&b, columns, row, widths, style)
	}
	return b.String()
}

func columnWidths(columns []column, rows [][]cell) []int {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = utf8.RuneCountInString(c.title)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].human))
		}
	}
	return widths
}

// writeRow pads, cuts and then colours, so that escape sequences do not count.
func writeRow(b *strings.Builder, columns []column, row []cell, widths []int, style tableStyle) {
	var line strings.Builder
	left := style.width
	if left == 0 {
		left = 1 << 20
	}
	for i, cell := range row {
		text := clean(cell.human)
		if i < len(row)-1 {
			text += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)) + gap
		}
		text = cut(text, left)
		left -= utf8.RuneCountInString(text)
		if columns[i].state && style.color {
			text = paint(text)
		}
		line.WriteString(text)
	}
	b.WriteString(strings.TrimRight(line.String(), " "))
	b.WriteByte('\n')
}

// cut shortens a text to at most n runes; the last one tells that there was more.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	if n <= 0 {
		return ""
	}
	return string([]rune(text)[:n-1]) + "…"
}

// paint colours a state word.
func paint(text string) string {
	colors := map[string]string{
		"active": "32", "idle": "36", "stale": "33", "closed": "2", "failed": "31",
		"YES": "32", "ok": "32", "PROBLEM": "31",
	}
	color, ok := colors[strings.TrimSpace(text)]
	if !ok {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
