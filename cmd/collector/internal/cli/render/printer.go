package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
)

// Values of -o. Without -o it is FormatTable on a terminal and FormatTSV in a pipe.
const (
	FormatTable = "table"
	FormatWide  = "wide"
	FormatJSON  = "json"
	FormatLines = "jsonl"
	FormatName  = "name"
	FormatTSV   = "tsv"
)

// Formats are all of them.
var Formats = []string{FormatTable, FormatWide, FormatTSV, FormatJSON, FormatLines, FormatName}

// Options are what flags say about output.
type Options struct {
	Output  string // of Formats; empty for the usual one
	JSON    bool   // FormatJSON, whatever Output is
	NoColor bool
	Quiet   bool // no notes
}

// Printer prints for one command line. Its fields are set before the first use; it is as safe for concurrent use as Out
// and Err are.
type Printer struct {
	Options  Options
	Out, Err io.Writer
	Terminal bool // Out is one
	Width    int  // of the terminal in columns; 0 for no bound
	Env      func(string) string
	Now      func() time.Time
}

// Format is the form of output in force.
func (p *Printer) Format() string {
	usual := FormatTSV
	if p.Terminal {
		usual = FormatTable
	}
	if p.Options.JSON {
		return FormatJSON
	}
	return cmp.Or(p.Options.Output, usual)
}

// Structured tells whether stdout is for programs.
func (p *Printer) Structured() bool { return p.Format() == FormatJSON || p.Format() == FormatLines }

// Color tells whether stdout may have colours.
func (p *Printer) Color() bool {
	return p.Terminal && !p.Options.NoColor && p.Env("NO_COLOR") == "" && p.Env("TERM") != "dumb"
}

// Show prints a view as -o says.
func (p *Printer) Show(v View) error {
	switch p.Format() {
	case FormatJSON:
		return p.ShowJSON(v.Document)
	case FormatLines:
		return p.showItems(v)
	case FormatName:
		return p.Print(v.names())
	}
	if v.Heading != "" {
		p.Note("%s", v.Heading)
	}
	for _, note := range v.Notes {
		p.Note("# %s", note)
	}
	if p.Format() == FormatTSV {
		return p.Print(tsv(v.Rows))
	}
	if p.Format() == FormatTable {
		columns, rows := v.narrow()
		return p.printLines(Table(columns, rows, p.style()))
	}
	return p.printLines(slices.Concat(Table(v.Columns, v.Rows, p.style()), v.details()))
}

func (p *Printer) style() Style { return Style{Width: p.Width, Color: p.Color()} }

func (p *Printer) printLines(lines []string) error {
	if len(lines) == 0 {
		return p.Print("")
	}
	return p.Print(strings.Join(lines, "\n") + "\n")
}

// ShowJSON prints one JSON document.
func (p *Printer) ShowJSON(document any) error {
	text, err := indented(document)
	if err != nil {
		return err
	}
	return p.Print(words.EscapeControls(text) + "\n")
}

func (p *Printer) showItems(v View) error {
	items := v.Items
	if items == nil {
		items = []any{v.Document}
	}
	for _, item := range items {
		if err := p.ShowLine(item); err != nil {
			return err
		}
	}
	return nil
}

// ShowLine prints one JSON document on one line.
func (p *Printer) ShowLine(item any) error {
	text, err := compact(item)
	if err != nil {
		return err
	}
	return p.Print(words.EscapeControls(text) + "\n")
}

// StreamRow prints an item of a stream whose later ones are not known yet: JSON on a line, or the row of a table whose
// columns have at least these widths, which grow with what is printed.
func (p *Printer) StreamRow(item any, columns []Column, row []Cell, widths []int) error {
	switch p.Format() {
	case FormatJSON, FormatLines:
		return p.ShowLine(item)
	case FormatName:
		return p.Print(words.Clean(row[nameColumn(columns)].Exact) + "\n")
	case FormatTSV:
		return p.Print(tsv([][]Cell{row}))
	}
	for i, c := range row {
		widths[i] = max(widths[i], utf8.RuneCountInString(words.Clean(c.Human)))
	}
	return p.Print(drawRow(columns, row, widths, p.style()) + "\n")
}

// Print writes data to stdout.
func (p *Printer) Print(text string) error {
	if _, err := io.WriteString(p.Out, text); err != nil {
		return failure.Newf("writing to stdout: %v", err)
	}
	return nil
}

// Note writes a line for people to stderr, unless -q.
func (p *Printer) Note(format string, args ...any) {
	if !p.Options.Quiet {
		fmt.Fprintln(p.Err, words.Clean(fmt.Sprintf(format, args...)))
	}
}

// Ago is a moment as people say it, and as RFC 3339.
func (p *Printer) Ago(moment *timestamppb.Timestamp) Cell {
	if moment == nil {
		return None()
	}
	at := moment.AsTime()
	return Cell{words.Ago(p.Now().Sub(at)), at.Format(time.RFC3339Nano)}
}

// Clock is a moment of today in the time zone of the user, and as RFC 3339.
func (p *Printer) Clock(at time.Time) Cell {
	return Cell{at.In(p.Now().Location()).Format("15:04:05.000"), at.Format(time.RFC3339Nano)}
}
