package render_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

func newPrinter(out *strings.Builder, options render.Options, env map[string]string) *render.Printer {
	return &render.Printer{
		Out: out, Err: out, Terminal: true, Options: options, Now: time.Now,
		Env: func(name string) string { return env[name] },
	}
}

// Rows of a stream keep to widths that only grow, and every form of output has its own line.
func TestStreamRow(t *testing.T) {
	t.Parallel()
	columns := []render.Column{{Title: "A"}, {Title: "B", Name: true}}
	for format, want := range map[string]string{
		render.FormatTable: "x   b\nlonger  b\ny       b\n",
		render.FormatTSV:   "x\tb\nlonger\tb\ny\tb\n",
		render.FormatName:  "b\nb\nb\n",
		render.FormatLines: "\"x\"\n\"longer\"\n\"y\"\n",
		render.FormatJSON:  "\"x\"\n\"longer\"\n\"y\"\n",
	} {
		var out strings.Builder
		p, widths := newPrinter(&out, render.Options{Output: format}, nil), []int{2, 0}
		for _, item := range []string{"x", "longer", "y"} {
			if err := p.StreamRow(item, columns, []render.Cell{render.Text(item), render.Text("b")}, widths); err != nil {
				t.Fatal(err)
			}
		}
		if out.String() != want {
			t.Errorf("%s: %q, want %q", format, out.String(), want)
		}
	}
}

func TestColor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options render.Options
		env     map[string]string
		want    bool
	}{
		{want: true},
		{options: render.Options{NoColor: true}},
		{env: map[string]string{"NO_COLOR": "1"}},
		{env: map[string]string{"TERM": "dumb"}},
	} {
		p := newPrinter(new(strings.Builder), tt.options, tt.env)
		if p.Color() != tt.want {
			t.Errorf("%+v: %v", tt, p.Color())
		}
		if p.Terminal = false; p.Color() {
			t.Errorf("%+v: colours in a pipe", tt)
		}
	}
}

// A reader that is gone is a failure of the command.
func TestPrintToNobody(t *testing.T) {
	t.Parallel()
	p := newPrinter(new(strings.Builder), render.Options{}, nil)
	p.Out = gone{}
	if err := p.Print("x"); err == nil || !strings.Contains(err.Error(), "writing to stdout: gone") {
		t.Error(err)
	}
}

type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, errors.New("gone") }
