package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, parseOptions(), os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
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
