package top

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

var update = flag.Bool("update", false, "rewrite the golden file; read the difference before you commit it")

func series(kind meshv1.SeriesKind, name string, calls, errors, p99 int64) *meshv1.Series {
	return &meshv1.Series{Kind: kind, Name: name, Total: &meshv1.Point{Calls: calls, Errors: errors, P50Nanos: p99 / 2, P90Nanos: p99, P99Nanos: p99}}
}

func newScreen() *screen {
	return &screen{
		server: "http://SERVER", width: 80, height: 12, at: time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC),
		callTable: func(calls []*meshv1.Dispatch) render.View {
			v := render.View{Columns: views.CallColumns()}
			for _, d := range calls {
				v.Add(d, render.Text("05:06:07"), render.Text("a → b"), render.Text("anonymous"), render.Text(d.GetProcedure()), render.Text(d.GetCode()),
					render.Text("1 ms"), render.Text(""))
			}
			return v
		},
		series: []*meshv1.Series{
			series(meshv1.SeriesKind_SERIES_KIND_COLLECTOR, "a", 60, 1, 4e6),
			series(meshv1.SeriesKind_SERIES_KIND_METHOD, "/S/Busy", 40, 0, 1e6),
			series(meshv1.SeriesKind_SERIES_KIND_METHOD, "/S/Slow", 10, 0, 4e6),
			series(meshv1.SeriesKind_SERIES_KIND_METHOD, "/S/Wrong", 10, 1, 2e6),
		},
	}
}

func (t *screen) pressAll(keys string) *screen {
	for _, k := range terminal.ParseKeys([]byte(keys)) {
		t.press(k)
	}
	return t
}

func titles(t *screen) (all []string) {
	for _, s := range t.rows() {
		all = append(all, title(s))
	}
	return all
}

func TestTopKeys(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		"":            "collector a S/Busy S/Slow S/Wrong",
		"s":           "collector a S/Wrong S/Busy S/Slow",
		"ss":          "collector a S/Slow S/Wrong S/Busy",
		"sssss":       "collector a S/Busy S/Slow S/Wrong",
		"r":           "collector a S/Wrong S/Slow S/Busy",
		"/slow\r":     "S/Slow",
		"/slow\r\x1b": "collector a S/Busy S/Slow S/Wrong",
		"/slowx\x7f":  "S/Slow",
		"/q":          "",
		"?s":          "collector a S/Busy S/Slow S/Wrong",
	} {
		if got := strings.Join(titles(newScreen().pressAll(keys)), " "); got != want {
			t.Errorf("%q: %s, want %s", keys, got, want)
		}
	}
	for keys, stopped := range map[string]bool{"q": true, "\x03": true, "/q": false, "/\x03": true, "?q": false, "p": false} {
		if got := newScreen().pressAll(keys).stopped; got != stopped {
			t.Errorf("%q: stopped is %v", keys, got)
		}
	}
}

// The selected row is the same one when the order changes, and the one that Enter opens.
func TestTopSelection(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		"jj\r": "S/Slow", "jjs\r": "S/Slow", "jjjjjj\r": "S/Wrong", "jk\r": "collector a", "\x1b[B\x1b[B\x1b[A\r": "S/Busy", "/wrong\r\r": "S/Wrong",
	} {
		if s := newScreen().pressAll(keys).open(); s == nil || title(s) != want {
			t.Errorf("%q opens %v, want %s", keys, s, want)
		}
	}
	for _, keys := range []string{"j", "j\r\r", "j\r\x1b", "/nothing\r\r"} {
		if s := newScreen().pressAll(keys).open(); s != nil {
			t.Errorf("%q opens %v", keys, s)
		}
	}
}

// Whatever the size, the screen has as many lines as the terminal, none of them wider, and shows the selected row.
func TestTopFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"", "?", "/slow", "j\r", "jjjjjjjjjjjjjjjjjjjjjjjjjjjjjj"} {
		for _, height := range []int{1, 2, 3, 5, 8, 24, 60} {
			for _, width := range []int{10, 40, 200} {
				screen := newScreen()
				for i := range 40 {
					screen.series = append(screen.series, series(meshv1.SeriesKind_SERIES_KIND_METHOD, fmt.Sprintf("/T/%02d", i), 1, 0, 1))
				}
				screen.width, screen.height = width, height
				screen.pressAll(keys)
				screen.calls = []*meshv1.Dispatch{{Procedure: "/S/\x1b[31mM", Code: "ok"}}
				lines := screen.draw()
				if len(lines) != max(height, 1) {
					t.Errorf("%q at %d×%d: %d lines", keys, width, height, len(lines))
				}
				for _, line := range lines {
					if n := len([]rune(line)); n > width || strings.Contains(line, "\x1b") {
						t.Errorf("%q at %d×%d: %q", keys, width, height, line)
					}
				}
				if marked := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, ">") }); !marked && height > 5 && !strings.ContainsAny(keys, "?\r") {
					t.Errorf("%q at %d×%d: the selected row is not shown\n%s", keys, width, height, strings.Join(lines, "\n"))
				}
			}
		}
	}
}

// The drawings of the screen after keys were pressed are those of the golden files beside the command's.
func TestDrawings(t *testing.T) {
	t.Parallel()
	const path = "../testdata/golden/top_screen.txt"
	if *update {
		if err := os.WriteFile(path, []byte(drawings()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), drawings()); diff != "" {
		t.Errorf("(-want +got); -update rewrites it:\n%s", diff)
	}
}

// drawings are drawings of the screen after keys were pressed.
func drawings() string {
	var b strings.Builder
	for _, keys := range []string{"", "sp", "/s", "/nothing\r", "?", "jj\r"} {
		screen := newScreen().pressAll(keys)
		screen.calls = []*meshv1.Dispatch{{Procedure: "S/Slow", Code: "not_found"}}
		screen.series[2].Points = []*meshv1.Point{{}, {Calls: 1, P99Nanos: 3e6}, {Calls: 8, P99Nanos: 4e6}}
		fmt.Fprintf(&b, "=== %q\n%s\n", keys, strings.Join(screen.draw(), "\n"))
	}
	lost := newScreen()
	lost.trouble = "connection refused"
	fmt.Fprintf(&b, "=== lost\n%s\n", strings.Join(lost.draw(), "\n"))
	return b.String()
}
