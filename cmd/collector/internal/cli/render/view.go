package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
)

// View is what a command has to say.
type View struct {
	// Document is what -o json prints: the RPC's response, or a value for encoding/json.
	Document any
	// Items are what -o jsonl prints, one a line; nil for the document.
	Items []any
	// Heading is a line above the table and Notes are lines with a # before it, on stderr.
	Heading string
	Notes   []string
	Columns []Column
	Rows    [][]Cell // as long as Columns
	// Details are beneath the table, only in -o wide.
	Details []Detail
}

// Detail is something that has a line, or several.
type Detail struct {
	Name  string
	Lines []string
}

// Column is a column of a table.
type Column struct {
	Title string
	Wide  bool // only in -o wide, TSV included
	State bool // the cells are state words, which have colours
	Name  bool // what -o name prints; if no column is, the first
}

// Columns are columns without anything special.
func Columns(titles ...string) []Column {
	columns := make([]Column, len(titles))
	for i, title := range titles {
		columns[i].Title = title
	}
	return columns
}

// Add adds an item and its row.
func (v *View) Add(item any, row ...Cell) {
	v.Items = append(v.Items, item)
	v.Rows = append(v.Rows, row)
}

// narrow leaves the wide columns out.
func (v View) narrow() ([]Column, [][]Cell) {
	var columns []Column
	rows := make([][]Cell, len(v.Rows))
	for i, c := range v.Columns {
		if c.Wide {
			continue
		}
		columns = append(columns, c)
		for j, row := range v.Rows {
			rows[j] = append(rows[j], row[i])
		}
	}
	return columns, rows
}

// details are the lines of the details after an empty one, each with its name before the first.
func (v View) details() (lines []string) {
	for _, d := range v.Details {
		name := d.Name
		for _, line := range d.Lines {
			lines = append(lines, fmt.Sprintf("%-9s %s", name, words.Clean(line)))
			name = ""
		}
	}
	if lines != nil {
		lines = slices.Insert(lines, 0, "")
	}
	return lines
}

// nameColumn is the column that -o name prints.
func nameColumn(columns []Column) int {
	return max(0, slices.IndexFunc(columns, func(c Column) bool { return c.Name }))
}

// names are the cells of the column that names things, each once.
func (v View) names() string {
	at := nameColumn(v.Columns)
	var b strings.Builder
	seen := make(map[string]bool)
	for _, row := range v.Rows {
		if name := words.Clean(row[at].Exact); !seen[name] {
			seen[name] = true
			b.WriteString(name + "\n")
		}
	}
	return b.String()
}

func tsv(rows [][]Cell) string {
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(words.Clean(cell.Exact))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
