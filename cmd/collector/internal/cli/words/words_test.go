package words_test

import (
	"testing"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
)

func TestDurations(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration][2]string{
		0:                       {"0 µs", "now"},
		999 * time.Microsecond:  {"999 µs", "now"},
		1500 * time.Microsecond: {"1.5 ms", "now"},
		59 * time.Second:        {"59.0 s", "59 s ago"},
		90 * time.Second:        {"1m30s", "1 min ago"},
		47 * time.Hour:          {"47h0m0s", "47 h ago"},
		50 * time.Hour:          {"50h0m0s", "2 days ago"},
	} {
		if got := [2]string{words.Duration(d), words.Ago(d)}; got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{-1: "", 0: "", 1: "…", 2: "é…", 3: "éàü", 9: "éàü"} {
		if got := words.Cut("éàü", n); got != want {
			t.Errorf("to %d: %q, want %q", n, got, want)
		}
	}
}

// What a terminal would obey is gone from lines, and an escape in JSON, where it means the same.
func TestNothingATerminalObeys(t *testing.T) {
	t.Parallel()
	const text = "a\x1b[31m\tb\u009b\x7fé"
	if got := words.Clean(text); got != "a [31m b  é" {
		t.Errorf("clean: %q", got)
	}
	if got := words.EscapeControls(text); got != "a\x1b[31m\tb\\u009b\\u007fé" {
		t.Errorf("escaped: %q", got)
	}
}
