package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
)

// runCase lets the contenders take turns and answers the samples of every round.
func runCase(ctx context.Context, c testCase, opts options) (out outcome, err error) {
	children := make([]*child, 0, len(c.contenders))
	watch := startWatch()
	defer func() {
		for _, started := range children {
			err = errors.Join(err, started.stop())
		}
		out.strangers = watch.strangers()
	}()
	for _, contender := range c.contenders {
		started, err := startChild(ctx, c.name+"/"+contender.name, opts)
		if started != nil {
			children = append(children, started)
		}
		if err != nil {
			return outcome{}, fmt.Errorf("%s/%s: %w", c.name, contender.name, err)
		}
	}
	out = outcome{testCase: c, samples: make(map[string][]sample)}
	for round := range opts.rounds {
		if err := out.playRound(round, children, opts); err != nil {
			return outcome{}, err
		}
	}
	return out, nil
}

// playRound gives each contender its turn, forwards in even rounds and backwards in odd ones.
func (o *outcome) playRound(round int, children []*child, opts options) error {
	order := make([]int, len(children))
	for i := range order {
		order[i] = i
	}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	for _, i := range order {
		name := o.contenders[i].name
		s, err := children[i].round(opts.length)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", o.name, name, err)
		}
		o.samples[name] = append(o.samples[name], s)
	}
	return nil
}

// runAll runs the cases whose name, or one of whose ratios, matches the pattern, and prints each as it ends.
func runAll(ctx context.Context, opts options, pattern *regexp.Regexp, stdout, progress io.Writer) ([]outcome, error) {
	var outcomes []outcome
	for _, c := range cases() {
		if !c.matches(pattern) {
			continue
		}
		fmt.Fprintf(progress, "%s: %s\n", c.name, c.about)
		out, err := runCase(ctx, c, opts)
		if err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, out)
		if _, err := io.WriteString(stdout, out.lines()); err != nil {
			return outcomes, err
		}
	}
	if len(outcomes) == 0 && !pattern.MatchString(idleLinks) {
		return nil, fmt.Errorf("no benchmark matches %q", pattern)
	}
	return outcomes, nil
}

func (c testCase) matches(pattern *regexp.Regexp) bool {
	return pattern.MatchString(c.name) ||
		slices.ContainsFunc(c.ratios, func(r ratio) bool { return pattern.MatchString(r.name) })
}
