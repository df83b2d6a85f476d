package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// formats are the values of -o. Without -o it is formatTable on a terminal and formatTSV in a pipe.
const (
	formatTable = "table"
	formatWide  = "wide"
	formatJSON  = "json"
	formatLines = "jsonl"
	formatName  = "name"
	formatTSV   = "tsv"
)

var formats = []string{formatTable, formatWide, formatTSV, formatJSON, formatLines, formatName}

// view is what a command has to say.
type view struct {
	// document is what -o json prints: the RPC's response, or a value for encoding/json.
	document any
	// items are what -o jsonl prints, one a line; nil for the document.
	items []any
	// heading is a line above the table and notes are lines with a # before it, on stderr.
	heading string
	notes   []string
	columns []column
	rows    [][]cell // as long as columns
}

// cell is a value in the form for people and in the form for programs.
type cell struct{ human, exact string }

func text(s string) cell { return cell{s, s} }

// column is a column of a table.
type column struct {
	title string
	wide  bool // only in -o wide, TSV included
	state bool // the cells are state words, which have colours
	name  bool // what -o name prints; if no column is, the first
}

// show prints a view as -o says.
func (a *app) show(v view) error {
	switch a.format() {
	case formatJSON:
		return a.showJSON(v.document)
	case formatLines:
		return a.showLines(v)
	case formatName:
		return a.print(names(v))
	}
	if v.heading != "" {
		a.note("%s", v.heading)
	}
	for _, note := range v.notes {
		a.note("# %s", note)
	}
	columns, rows := pick(v, a.format())
	if a.format() == formatTSV {
		return a.print(tsv(rows))
	}
	return a.print(table(columns, rows, tableStyle{width: a.io.Width, color: a.color()}))
}

func (a *app) showJSON(document any) error {
	data, err := marshalJSON(document)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return err
	}
	return a.print(escapeControls(b.String()) + "\n")
}

// escapeControls writes DEL and the C1 control characters, which JSON and text format leave as they are and which a
// terminal obeys, as escapes. Outside of strings neither has any.
func escapeControls(text string) string {
	if !strings.ContainsFunc(text, isControl) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isControl(r rune) bool { return 0x7f <= r && r < 0xa0 }

func (a *app) showLines(v view) error {
	items := v.items
	if items == nil {
		items = []any{v.document}
	}
	for _, item := range items {
		if err := a.showLine(item); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) showLine(item any) error {
	data, err := marshalJSON(item)
	if err != nil {
		return err
	}
	line, err := compactJSON(data)
	if err != nil {
		return err
	}
	return a.print(escapeControls(string(line)) + "\n")
}

// compactJSON takes out the spaces between tokens, which protojson varies on purpose.
func compactJSON(data []byte) ([]byte, error) {
	var b bytes.Buffer
	err := json.Compact(&b, data)
	return b.Bytes(), err
}

// marshalJSON makes proto JSON of messages, with defaults so that scripts find every field, and plain JSON of the rest.
func marshalJSON(v any) ([]byte, error) {
	switch v := v.(type) {
	case proto.Message:
		return protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(v)
	case json.RawMessage:
		return v, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// print writes data to stdout.
func (a *app) print(text string) error {
	if _, err := io.WriteString(a.io.Out, text); err != nil {
		return failuref("writing to stdout: %v", err)
	}
	return nil
}

// note writes a line for people to stderr, unless -q.
func (a *app) note(format string, args ...any) {
	if !a.flags.quiet {
		fmt.Fprintln(a.io.Err, clean(fmt.Sprintf(format, args...)))
	}
}

// pick leaves the wide columns out, unless they are wanted.
func pick(v view, format string) ([]column, [][]cell) {
	if format != formatTable {
		return v.columns, v.rows
	}
	var columns []column
	rows := make([][]cell, len(v.rows))
	for i, c := range v.columns {
		if c.wide {
			continue
		}
		columns = append(columns, c)
		for j, row := range v.rows {
			rows[j] = append(rows[j], row[i])
		}
	}
	return columns, rows
}

// nameColumn is the column that -o name prints.
func nameColumn(columns []column) int {
	return max(0, slices.IndexFunc(columns, func(c column) bool { return c.name }))
}

// names are the cells of the column that names things, each once.
func names(v view) string {
	at := nameColumn(v.columns)
	var b strings.Builder
	seen := make(map[string]bool)
	for _, row := range v.rows {
		if name := clean(row[at].exact); !seen[name] {
			seen[name] = true
			b.WriteString(name + "\n")
		}
	}
	return b.String()
}

func tsv(rows [][]cell) string {
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(clean(cell.exact))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
