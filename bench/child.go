package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// child is the process of one contender, as its parent sees it: a round length goes in, a sample comes out.
type child struct {
	cmd    *exec.Cmd
	orders *json.Encoder
	input  io.Closer
	report *json.Decoder
}

// startChild runs this program again with one contender and waits until it is warm.
func startChild(ctx context.Context, id string, opts options) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", id, "-profile", opts.profile)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, orders: json.NewEncoder(input), input: input, report: json.NewDecoder(output)}
	_, err = c.round(opts.warmup)
	return c, err
}

// round has the child run one round.
func (c *child) round(length time.Duration) (sample, error) {
	if err := c.orders.Encode(length); err != nil {
		return sample{}, err
	}
	var s sample
	err := c.report.Decode(&s)
	return s, err
}

func (c *child) stop() error { return errors.Join(c.input.Close(), c.cmd.Wait()) }

// runChild is what such a process does: rounds until its input ends.
func runChild(ctx context.Context, id, profile string, orders io.Reader, report io.Writer) (err error) {
	c, l, err := findContender(id)
	if err != nil {
		return err
	}
	b, err := startBed(ctx, c, l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	stop, err := startProfile(profile, id)
	if err != nil {
		return err
	}
	return errors.Join(serveRounds(ctx, b.op, l.callers, json.NewDecoder(orders), json.NewEncoder(report)), stop())
}

func serveRounds(ctx context.Context, op operation, callers int, orders *json.Decoder, report *json.Encoder) error {
	tallies := make([]tally, callers)
	for {
		var length time.Duration
		err := orders.Decode(&length)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s, err := runRound(ctx, op, tallies, length)
		if err != nil {
			return err
		}
		if err := report.Encode(s); err != nil {
			return err
		}
	}
}

// findContender resolves "case/contender".
func findContender(id string) (contender, load, error) {
	caseName, name, _ := strings.Cut(id, "/")
	for _, c := range cases() {
		if found, ok := c.contender(name); ok && c.name == caseName {
			return found, c.load, nil
		}
	}
	return contender{}, load{}, fmt.Errorf("no contender %q: want case/contender, such as unary_c64/grpc", id)
}
