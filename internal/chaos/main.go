package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/network"
	"github.com/collectiverpc/collective/internal/rig"
)

// Verdict is what came of a run.
type Verdict struct {
	Missed []string // which bounds are missed, and what could not be run
	Busy   []string // what could not be judged
}

func main() {
	if role, known := roles[os.Getenv(roleVariable)]; known {
		if err := role(); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			os.Exit(1)
		}
		return
	}
	if status, is := network.Probing(); is {
		os.Exit(status)
	}
	if status, done := network.Confine(); done {
		os.Exit(status)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o Options
	flag.StringVar(&o.Only, "only", "", "run the test with this name")
	flag.StringVar(&o.Collector, "collector", "", "the binary to run; built if it is not given")
	flag.BoolVar(&o.Short, "short", false, "shorter, with fewer faults")
	flag.StringVar(&o.Keep, "keep", "", "leave logs and ledgers in this directory")
	flag.BoolVar(&o.Relays, "relays", false, "TCP relays in place of network namespaces")
	flag.StringVar(&o.Modules, "modules", "", "the node_modules with @grpc/grpc-js; looked for in the repository if it is not given")
	flag.Parse()
	os.Exit(report(run(ctx, os.Stdout, o)))
}

// tooBusy is the exit status of a run that could not be judged.
const tooBusy = 3

// report prints what came of a run, and makes the exit status of it.
func report(v Verdict, err error) int {
	for _, why := range append(v.Missed, v.Busy...) {
		fmt.Fprintln(os.Stderr, "chaos:", why)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 2
	case len(v.Missed) > 0:
		return 1
	case len(v.Busy) > 0:
		fmt.Fprintln(os.Stderr, "chaos: NOT PASSED: the machine is too busy, run it again when it is not")
		return tooBusy
	}
	return 0
}

// run runs tests, one after the other.
func run(ctx context.Context, out io.Writer, o Options) (v Verdict, err error) {
	dir := o.Keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "chaos-"); err != nil {
			return v, err
		}
		defer os.RemoveAll(dir)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return v, err
	}
	if o.Collector == "" {
		if o.Collector, err = rig.BuildCollector(ctx, dir); err != nil {
			return v, err
		}
	}
	if o.Collector, err = filepath.Abs(o.Collector); err != nil {
		return v, err
	}
	for _, t := range tests() {
		if t.named(o.Only) && ctx.Err() == nil {
			v.add(runOne(ctx, out, t, o, filepath.Join(dir, t.Name)))
		}
	}
	return v, ctx.Err()
}

func (v *Verdict) add(other Verdict) {
	v.Missed, v.Busy = append(v.Missed, other.Missed...), append(v.Busy, other.Busy...)
}

// runOne runs a test and prints its figures.
func runOne(ctx context.Context, out io.Writer, t Test, o Options, dir string) (v Verdict) {
	began := time.Now()
	s := &Stage{Options: o, ctx: ctx, out: out, dir: dir}
	if err := os.RemoveAll(dir); err != nil {
		return Verdict{Missed: []string{err.Error()}}
	}
	figures, err := t.Run(s)
	for _, f := range figures {
		fmt.Fprintln(out, f.Line("CHAOS"))
		if why := opened(t, f); why != "" {
			fmt.Fprintln(out, why)
		}
		missed, busy := judge(t, f)
		v.note(missed, busy)
	}
	v.note(unmeasured(t, figures, err), "")
	fmt.Fprintf(out, "# %s took %.1f s\n", t.Name, time.Since(began).Seconds())
	return v
}

func (v *Verdict) note(missed, busy string) {
	if missed != "" {
		v.Missed = append(v.Missed, missed)
	}
	if busy != "" {
		v.Busy = append(v.Busy, busy)
	}
}

// unmeasured says why a test has no judgement: it failed, or lacks a figure that has a bound.
func unmeasured(t Test, figures []Figure, err error) string {
	if err != nil {
		return fmt.Sprintf("%s: %v", t.Name, err)
	}
	measured := make(map[string]bool)
	for _, f := range figures {
		measured[f.Name] = true
	}
	for _, b := range t.Bounds {
		if !measured[b.Name] {
			return fmt.Sprintf("%s: there is no figure %s", t.Name, b.Name)
		}
	}
	return ""
}
