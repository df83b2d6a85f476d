package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// toolTime is how long one call of a tool may take.
const toolTime = 30 * time.Second

// question is one call of a tool on the command line.
type question struct {
	cell  cell
	args  []string
	fails bool     // whether the tool must exit with an error
	want  []string // parts of what it prints
}

// try makes the call and says what is wrong with what it prints, white space aside.
func (q question) try(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	out, err := program(ctx, name, q.args...).CombinedOutput()
	if (err != nil) != q.fails {
		return fmt.Errorf("%v: %s", err, out)
	}
	said := strings.Join(strings.Fields(string(out)), "")
	for _, part := range q.want {
		if !strings.Contains(said, strings.Join(strings.Fields(part), "")) {
			return fmt.Errorf("want %s in %s", part, out)
		}
	}
	return nil
}

// tryAll answers one question after the other. A cell with several is one result: the first problem.
func tryAll(ctx context.Context, name string, questions []question) []result {
	problems := make(map[cell]error)
	var results []result
	for _, q := range questions {
		if problems[q.cell] == nil {
			problems[q.cell] = q.try(ctx, name)
		}
	}
	for _, c := range cells {
		if err, asked := problems[c.cell]; asked {
			results = append(results, answer(c.cell, err))
		}
	}
	return results
}

// pinned builds a program that tools/go.mod pins, as make does, and returns where Go keeps it.
func pinned(ctx context.Context, name string) (string, error) {
	command := exec.CommandContext(ctx, "go", "tool", "-modfile=tools/go.mod", "-n", name)
	var problems bytes.Buffer
	command.Stderr = &problems
	path, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, problems.String())
	}
	return strings.TrimSpace(string(path)), nil
}
