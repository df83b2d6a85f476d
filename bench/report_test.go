package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func exampleOutcome() outcome {
	fast := sample{Calls: 1000, CPU: 10 * time.Millisecond, Elapsed: time.Second}
	slow := sample{Calls: 1000, CPU: 40 * time.Millisecond, Elapsed: time.Second}
	return outcome{
		testCase: testCase{
			name:       "example",
			about:      "one caller",
			contenders: []contender{{name: "ours"}, {name: "theirs"}},
			figures:    []metric{cpuPerCall},
			ratios:     []ratio{{"example_cpu", "ours", "theirs", cpuPerCall, atMost(0.2)}},
		},
		strangers: 7,
		samples:   map[string][]sample{"ours": {fast, fast}, "theirs": {slow, slow}},
	}
}

// The words and columns are read by other programs.
func TestLines(t *testing.T) {
	t.Parallel()
	want := `# example: one caller; other processes used 7 % of the machine
RATIO example_cpu 0.250
FIGURE ours_example_cpu 10.0 us
FIGURE theirs_example_cpu 40.0 us
`
	if diff := cmp.Diff(want, exampleOutcome().lines()); diff != "" {
		t.Error(diff)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	rows := ratioRows([]outcome{exampleOutcome()})
	want := `| ratio | median | lowest | highest | bar | result |
|---|---|---|---|---|---|
| example_cpu | 0.250 | 0.250 | 0.250 | ≤ 0.2 | MISSED |
`
	if diff := cmp.Diff(want, markdownTable(rows)); diff != "" {
		t.Error(diff)
	}
	for line := range strings.Lines(plainTable(rows)) {
		if !strings.HasPrefix(line, "# ") {
			t.Errorf("a line for people must begin with #: %q", line)
		}
	}
}

func TestResultsNameNoMachine(t *testing.T) {
	t.Parallel()
	text := resultsText([]outcome{exampleOutcome()}, "FIGURE idle 1 KiB\n", options{rounds: 5, length: time.Second})
	for _, want := range []string{"- CPU: ", "- cores: ", "- kernel: ", "- Go: go1.", "5 rounds of 1s", "FIGURE idle 1 KiB", "other processes used 7 %"} {
		if !strings.Contains(text, want) {
			t.Errorf("results do not say %q", want)
		}
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{12345.6: "12346", 12.34: "12.3", 1.234: "1.23", 0.1234: "0.12"} {
		if got := digits(value); got != want {
			t.Errorf("digits(%v) = %q, want %q", value, got, want)
		}
	}
}
