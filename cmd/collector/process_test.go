package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// process is a running collector.
type process struct {
	*exec.Cmd
	ID      string // this and the next three are from its ready line
	Address string
	URL     string
	Trust   []string
	log     *transcript
	exited  chan struct{}
}

// serve starts a collector and waits until it is ready. It is killed when the test ends, if it still runs.
func serve(t *testing.T, args ...string) *process {
	t.Helper()
	return serveBy(t, program, append([]string{"serve"}, args...)...)
}

// serveBy is serve with whatever starts it.
func serveBy(t *testing.T, starts string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(starts, args...), log: new(transcript), exited: make(chan struct{})}
	p.Stderr = p.log
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of %v:\n%s", args, p.log)
		}
	})
	reader := bufio.NewReader(stdout)
	line, err := reader.ReadString('\n')
	go func() {
		defer close(p.exited)
		_, _ = reader.WriteTo(p.log)
		_ = p.Wait() // tests look at ProcessState
	}()
	if err != nil {
		t.Fatalf("no ready line from %v: %v", args, err)
	}
	if err := json.Unmarshal([]byte(line), p); err != nil {
		t.Fatalf("ready line %q: %v", line, err)
	}
	return p
}

func (p *process) kill() {
	_ = p.Process.Kill() // it may be gone already
	<-p.exited
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wait waits for the end and returns the exit code; -1 if a signal ended it.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatal("the collector does not stop")
		return 0
	}
}

// transcript collects output that is written while it is read.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// result is what a command left behind.
type result struct {
	out, err string
	exit     int
}

// collector runs a command to its end.
func collector(t *testing.T, args ...string) result {
	t.Helper()
	return run(t, program, args...)
}

func run(t *testing.T, program string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir())
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), command.ProcessState.ExitCode()}
}

// on runs a command against a collector.
func (p *process) on(t *testing.T, args ...string) result {
	t.Helper()
	return collector(t, append(args, "-s", p.URL)...)
}

// byNetwork is on for somebody who has no socket of the collector: another user of the machine.
func (p *process) byNetwork(t *testing.T, args ...string) result {
	t.Helper()
	nowhere := t.TempDir()
	return withEnv(t, []string{"HOME=" + nowhere, "XDG_RUNTIME_DIR=" + nowhere}, append(args, "-s", p.URL)...)
}

// until repeats a look until it sees what it must.
func until(t *testing.T, what string, look func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !look() {
		select {
		case <-deadline:
			t.Fatalf("waited %v for: %s", patience, what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// sees tells whether a collector lists its one connection in a state.
func (p *process) sees(t *testing.T, state string) func() bool {
	t.Helper()
	return func() bool { return p.on(t, "connections", "--state", state, "-o", "name").out != "" }
}

func (r result) expect(t *testing.T, exit int, out, errs string) {
	t.Helper()
	if r.exit != exit || !strings.Contains(r.out, out) || !strings.Contains(r.err, errs) {
		t.Fatalf("exit %d, want %d, with %q on stdout and %q on stderr\n%s%s", r.exit, exit, out, errs, r.out, r.err)
	}
}

// killedBySignal tells whether a signal ended a process.
func (p *process) killedBySignal() bool {
	status, ok := p.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}
