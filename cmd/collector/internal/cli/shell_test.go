package cli_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
)

// now is the time in tests.
var now = time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)

// shell runs command lines. Its zero value has no terminal, no input and an empty environment.
type shell struct {
	terminal bool // stdin and stdout are one
	width    int
	input    string
	env      map[string]string
}

// ran is what a command left behind.
type ran struct {
	out, err string
	exit     int
}

func (s shell) run(ctx context.Context, args ...string) ran {
	var out, err buffer
	exit := cli.Main(ctx, terminal.Streams{
		In: strings.NewReader(s.input), Out: &out, Err: &err,
		InTerminal: s.terminal, OutTerminal: s.terminal, Width: s.width,
		Env: func(name string) string { return s.env[name] },
		Now: func() time.Time { return now },
	}, args)
	return ran{out.String(), err.String(), exit}
}

// on runs a command line against a server.
func (s shell) on(t *testing.T, server string, args ...string) ran {
	t.Helper()
	return s.run(t.Context(), append([]string{"-s", server}, args...)...)
}

// buffer may be written by several goroutines, as stderr is: commands and their logs.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
