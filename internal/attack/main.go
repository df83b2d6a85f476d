package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/collectiverpc/collective/internal/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	only := flag.String("only", "", "run the attacks whose name has this in it")
	collector := flag.String("collector", "", "the binary to attack; built if it is not given")
	short := flag.Bool("short", false, "fewer calls, shorter floods")
	flag.Parse()
	failed, err := run(ctx, os.Stdout, Options{Only: *only, Collector: *collector, Short: *short})
	if err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(2)
	}
	for _, why := range failed {
		fmt.Fprintln(os.Stderr, "attack:", why)
	}
	if len(failed) > 0 {
		os.Exit(1)
	}
}

// run runs attacks, first those that mostly wait, beside each other, then the others one after the other, and returns which
// bounds are missed.
func run(ctx context.Context, out io.Writer, o Options) (failed []string, err error) {
	dir, err := os.MkdirTemp("", "attack-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if o.Collector == "" {
		if o.Collector, err = rig.BuildCollector(ctx, dir); err != nil {
			return nil, err
		}
	}
	if o.Collector, err = filepath.Abs(o.Collector); err != nil {
		return nil, err
	}
	failed = runBeside(ctx, out, chosen(o.Only, true), o, dir)
	for _, b := range chosen(o.Only, false) {
		if ctx.Err() == nil {
			failed = append(failed, runOne(ctx, out, b, o, dir)...)
		}
	}
	return failed, ctx.Err()
}

// chosen are the attacks with this in their name, those that mostly wait or the others.
func chosen(only string, waits bool) (all []Bound) {
	for _, b := range bounds() {
		if b.Run != nil && b.Waits == waits && strings.Contains(b.Name, only) {
			all = append(all, b)
		}
	}
	return all
}

// runBeside runs attacks beside each other, and prints what came of them in their order.
func runBeside(ctx context.Context, out io.Writer, all []Bound, o Options, dir string) (failed []string) {
	printed, missed := make([]bytes.Buffer, len(all)), make([][]string, len(all))
	var running sync.WaitGroup
	for i, b := range all {
		running.Go(func() { missed[i] = runOne(ctx, &printed[i], b, o, dir) })
	}
	running.Wait()
	for i := range all {
		_, _ = printed[i].WriteTo(out)
		failed = append(failed, missed[i]...)
	}
	return failed
}

// runOne runs an attack and prints its figures.
func runOne(ctx context.Context, out io.Writer, b Bound, o Options, dir string) (failed []string) {
	began := time.Now()
	stage := &Stage{ctx: ctx, Options: o, out: out, dir: filepath.Join(dir, b.Name)}
	if err := os.MkdirAll(stage.dir, 0o700); err != nil {
		return []string{err.Error()}
	}
	defer stage.end()
	figures, err := b.Run(stage)
	for _, f := range figures {
		fmt.Fprintln(out, f.Line("ATTACK"))
		if why := judge(f); why != "" {
			failed = append(failed, why)
		}
	}
	switch {
	case notRun(err):
		fmt.Fprintf(out, "NOT RUN: %s: %v\n", b.Name, err)
	case err != nil:
		failed = append(failed, fmt.Sprintf("%s: %v", b.Name, err))
	}
	fmt.Fprintf(out, "# %s took %.1f s\n", b.Name, time.Since(began).Seconds())
	return failed
}
