package doctest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/meshtest"
)

// stand is where the commands of one document run: a directory with bin/collector, and ports of its own in the place
// of those that the document shows.
type stand struct {
	dir       string
	addresses []string // of what runs in the background, in its order
	ports     *strings.Replacer
	env       []string
	skip      string // a command that another test runs

	// ready waits for a command in the background; nil waits as start says. printed and logged are the files with its output.
	ready func(t *testing.T, step step, printed, logged string)
}

// shorter are commands of the documents that the test runs in another form.
var shorter = map[string]string{
	"make demo":  "bin/collector demo --port 0 --for 8s",
	"make build": "test -x bin/collector",
	"make test":  "true", // this is it

	"go get github.com/collectiverpc/collective@latest":  "true",          // TestQuickStart does it
	"go install github.com/bufbuild/buf/cmd/buf@v1.75.0": "buf --version", // it is on the path
}

func TestCommandsInDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the demo")
	}
	t.Parallel()
	collector := build(t)
	for _, document := range []string{"README.md", "docs/tutorial.md", "docs/policies.md"} {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("../..", document))
			if err != nil {
				t.Fatal(err)
			}
			s := newStand(t, collector)
			s.skip = "go get " + module + "@latest" // TestQuickStart runs it
			for _, step := range steps(string(text)) {
				s.run(t, step)
			}
		})
	}
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "collector")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/collector").CombinedOutput(); err != nil {
		t.Fatalf("building the collector: %v\n%s", err, out)
	}
	return binary
}

func newStand(t *testing.T, collector string) *stand {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(collector, filepath.Join(dir, "bin", "collector")); err != nil {
		t.Fatal(err)
	}
	first, second := meshtest.FreeAddress(t), meshtest.FreeAddress(t)
	return &stand{
		dir: dir, addresses: []string{first, second},
		ports: strings.NewReplacer("127.0.0.1:50051", first, "127.0.0.1:50052", second),
		env:   append(os.Environ(), "COLLECTOR_URL=http://"+first, "COLLECTOR_LISTEN="+first, "COLLECTOR_CONTEXT="),
	}
}

func (s *stand) run(t *testing.T, step step) {
	t.Helper()
	switch {
	case step.file != "":
		s.write(t, step.file, step.content)
		return
	case step.command == s.skip:
		return
	}
	cmd := s.command(t.Context(), step.command)
	if step.background {
		s.start(t, step, cmd)
		return
	}
	out, err := cmd.CombinedOutput()
	if exited, ok := errors.AsType[*exec.ExitError](err); ok && strconv.Itoa(exited.ExitCode()) == step.exit {
		err = nil
	} else if err == nil && step.exit != "" {
		err = fmt.Errorf("exit status 0, want %s", step.exit)
	}
	if err != nil {
		t.Fatalf("$ %s\n%s%v", step.command, out, err)
	}
	got := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(out) == 0 {
		got = nil
	}
	if step.checked && !matches(step.output, got) {
		t.Errorf("$ %s\nprints\n%s\nthe document shows\n%s", step.command, out, strings.Join(step.output, "\n"))
	}
}

func (s *stand) write(t *testing.T, file, content string) {
	t.Helper()
	file = filepath.Join(s.dir, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(s.ports.Replace(content)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command interrupts what still runs at the end of the test.
func (s *stand) command(ctx context.Context, line string) *exec.Cmd {
	if other, ok := shorter[line]; ok {
		line = other
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", "exec "+s.ports.Replace(line))
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// start waits until the command is of use: until it has printed what the document shows, and the collector answers; one
// that joins another, until it is connected.
func (s *stand) start(t *testing.T, step step, cmd *exec.Cmd) {
	t.Helper()
	printed, err := os.Create(filepath.Join(t.TempDir(), "printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	logged, err := os.Create(printed.Name() + ".log")
	if err != nil {
		t.Fatal(err)
	}
	defer logged.Close()
	cmd.Stdout, cmd.Stderr = printed, logged
	if err := cmd.Start(); err != nil {
		t.Fatalf("$ %s &\n%v", step.command, err)
	}
	t.Cleanup(func() {
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("$ %s &\n%v", step.command, err)
		}
	})
	if s.ready != nil {
		s.ready(t, step, printed.Name(), logged.Name())
		return
	}
	address := s.addresses[0]
	s.addresses = s.addresses[1:]
	if strings.Contains(step.command, "--join") {
		s.await(t, "bin/collector status", "active")
	} else {
		s.await(t, "bin/collector status -s http://"+address, "collector")
	}
	for _, line := range step.output {
		s.await(t, "cat "+printed.Name(), line)
	}
}

// await repeats a command until it prints a word.
func (s *stand) await(t *testing.T, line, word string) {
	t.Helper()
	patience := time.After(time.Minute)
	for {
		out, _ := s.command(t.Context(), line).CombinedOutput()
		if strings.Contains(string(out), word) {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-patience:
			t.Fatalf("$ %s never printed %q, but\n%s", line, word, out)
		}
	}
}
