package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"
)

// options are the flags of a run.
type options struct {
	pattern string
	rounds  int
	length  time.Duration
	warmup  time.Duration
	profile string
	child   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, parseOptions(), os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions() options {
	var opts options
	flag.StringVar(&opts.pattern, "run", "", "only the cases whose name or ratios match this regular expression")
	flag.IntVar(&opts.rounds, "rounds", 5, "rounds per contender")
	flag.DurationVar(&opts.length, "length", 800*time.Millisecond, "length of a round")
	flag.DurationVar(&opts.warmup, "warmup", 400*time.Millisecond, "load before the first round")
	flag.StringVar(&opts.profile, "profile", "", "write the CPU and allocation profiles of each contender into this directory")
	flag.StringVar(&opts.child, "child", "", "internal: be the process of one case/contender")
	flag.Parse()
	return opts
}

func run(ctx context.Context, opts options, stdin io.Reader, stdout, stderr io.Writer) error {
	if opts.child == idleLinks {
		return measureIdle(ctx, idlePairs, stdout)
	}
	if opts.child != "" {
		return runChild(ctx, opts.child, opts.profile, stdin, stdout)
	}
	pattern, err := regexp.Compile(opts.pattern)
	if err != nil {
		return err
	}
	outcomes, err := runAll(ctx, opts, pattern, stdout, stderr)
	if err != nil {
		return err
	}
	idle, err := runIdle(ctx, pattern, stdout, stderr)
	if err != nil {
		return err
	}
	if len(outcomes) > 0 {
		fmt.Fprintf(stdout, "#\n%s#\n%s", plainTable(figureRows(outcomes)), plainTable(ratioRows(outcomes)))
	}
	if opts.pattern != "" {
		return nil
	}
	return writeResults(outcomes, idle, opts)
}
