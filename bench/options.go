package main

import (
	"flag"
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

// parseOptions reads the command line, and ends the program for one that is wrong.
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
