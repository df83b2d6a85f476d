package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/rig"
)

// testLog logs what the rig prints, as it is printed.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// TestChaos runs each test in its short form; `make chaos` runs them in full. The rig is a program of its own, so that the race
// detector of this one does not make hosts and clients slow.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("gives processes bad days for minutes")
	}
	dir := t.TempDir()
	collector, err := rig.BuildCollector(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "chaos")
	if text, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, one := range tests() {
		t.Run(one.Name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), program, "-only", one.Name, "-short", "-collector", collector)
			command.Stdout, command.Stderr = testLog{t}, testLog{t}
			err := command.Run()
			if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() == tooBusy {
				t.Skip("NOT RUN: the machine is too busy to judge by")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// The table judges as it is written.
func TestJudge(t *testing.T) {
	t.Parallel()
	day := Test{Name: "f", Bounds: truthful("f", Bound{Name: "f_most", Most: 2}, Bound{Name: "f_least", Least: 90}, Bound{Name: "f_open", Open: "later"})}
	for _, c := range []struct {
		figure       Figure
		missed, busy bool
	}{
		{Figure{Name: "f_most", Value: 2}, false, false},
		{Figure{Name: "f_most", Value: 2.1}, true, false},
		{Figure{Name: "f_most", Value: 2.1, Busy: "yes"}, false, true},
		{Figure{Name: "f_most", Value: 1, Busy: "yes"}, false, true}, // it does not pass either
		{Figure{Name: "f_most/part", Value: 9}, false, false},
		{Figure{Name: "f_least", Value: 90}, false, false},
		{Figure{Name: "f_least", Value: 89}, true, false},
		{Figure{Name: "f_open", Value: 9}, false, false},
		{Figure{Name: "f_wrong", Value: 1, Busy: "yes"}, true, false}, // a lie is one on any machine
		{Figure{Name: "f_double", Value: 0, Busy: "yes"}, false, false},
	} {
		if missed, busy := judge(day, c.figure); (missed != "") != c.missed || (busy != "") != c.busy {
			t.Errorf("%v: missed %q, busy %q", c.figure, missed, busy)
		}
	}
}

// Every test has the bounds of truth, and every bound a figure of its own name.
func TestBoundsAreOfTheirTests(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, one := range tests() {
		for _, b := range one.Bounds {
			if !strings.HasPrefix(b.Name, one.Name+"_") || seen[b.Name] {
				t.Errorf("bound %s of test %s: name it after its test, once", b.Name, one.Name)
			}
			seen[b.Name] = true
		}
		for _, truth := range []string{"_wrong", "_double"} {
			if !seen[one.Name+truth] {
				t.Errorf("test %s has no bound %s", one.Name, one.Name+truth)
			}
		}
	}
}

// Counts of parts are added, of other figures the worst is that of the test, and a part that cannot be judged leaves none that can.
func TestPartsMakeAFigure(t *testing.T) {
	t.Parallel()
	got := joined([]part{
		{"one", []Figure{count("f_failed", 2), seconds("f_seconds", 3*time.Second)}},
		{"two", []Figure{{Name: "f_failed", Value: 5, Unit: "count", Busy: "yes"}, seconds("f_seconds", time.Second)}},
	})
	want := []string{
		"CHAOS f_failed/one 2 count", "CHAOS f_seconds/one 3 s",
		"CHAOS f_failed/two 5 count # not judged, the machine is too busy: yes", "CHAOS f_seconds/two 1 s",
		"CHAOS f_failed 7 count # not judged, the machine is too busy: yes", "CHAOS f_seconds 3 s",
	}
	for i, f := range got {
		if i >= len(want) || f.Line("CHAOS") != want[i] {
			t.Errorf("figure %d is %v, want of %v", i, f, want)
		}
	}
}
