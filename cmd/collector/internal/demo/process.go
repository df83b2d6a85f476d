package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTime is how long a process may take to say that it is ready.
const startTime = 20 * time.Second

// process is the life of an actor as a process.
type process struct {
	role
	program string // the binary

	command *exec.Cmd
	stdin   io.Closer     // the process stops when it is closed, so also when the demo dies
	exited  chan struct{} // closed when the process is gone
}

// begin runs the process and waits until it is ready.
func (p *process) begin(ctx context.Context, listen string) (address string, err error) {
	logFile, err := p.openLog()
	if err != nil {
		return "", err
	}
	defer logFile.Close() // the process has its own handle
	command := exec.Command(p.program, "serve", "--until-eof", "--json", "--id", p.id, "--listen", listen,
		"--ns", strings.Join(p.namespaces, ","), "--example", p.example, "--example-fault", strconv.Itoa(faultPercent),
		"--example-seed", strconv.FormatUint(p.seed, 10), "--db", p.path("db"), "--log-format", "text")
	command.Stderr = logFile
	command.Env = withoutSettings(os.Environ())
	stdin, err := command.StdinPipe()
	if err != nil {
		return "", err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	p.command, p.stdin, p.exited = command, stdin, make(chan struct{})
	ready := make(chan string, 1)
	go p.wait(stdout, ready)
	return p.awaitReady(ctx, ready)
}

// withoutSettings keeps the user's COLLECTOR_ variables from changing the actors.
func withoutSettings(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "COLLECTOR_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// wait reads the first line of the process, and the rest into nothing, until it is gone.
func (p *process) wait(stdout io.Reader, ready chan<- string) {
	defer close(p.exited)
	reader := bufio.NewReader(stdout)
	line, err := reader.ReadString('\n')
	if err == nil {
		ready <- line
		_, _ = io.Copy(io.Discard, reader) // it ends when the process does
	}
	_ = p.command.Wait() // how it ended is in its log; that it ended is what matters
}

func (p *process) awaitReady(ctx context.Context, ready <-chan string) (address string, err error) {
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case line := <-ready:
		return p.addressOf(line)
	case <-p.exited:
		return "", p.notStarted()
	case <-timer.C:
		return "", fmt.Errorf("collector %s is not ready after %v: %s", p.id, startTime, p.lastWords())
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (p *process) addressOf(ready string) (string, error) {
	var said struct{ Address string }
	if err := json.Unmarshal([]byte(ready), &said); err != nil {
		return "", fmt.Errorf("collector %s: ready line %q: %w", p.id, ready, err)
	}
	return said.Address, nil
}

// notStarted tells why the process ended before it was ready, from its last words.
func (p *process) notStarted() error {
	words := p.lastWords()
	if strings.Contains(words, syscall.EADDRINUSE.Error()) {
		return fmt.Errorf("collector %s did not start: %w: %s", p.id, errTaken, words)
	}
	return fmt.Errorf("collector %s did not start: %s", p.id, words)
}

// kill is SIGKILL: no goodbye, no flush.
func (p *process) kill() error {
	if err := p.command.Process.Kill(); err != nil {
		return err
	}
	<-p.exited
	return nil
}

func (p *process) verb() string { return "kill -9" }

// end asks the process to drain and kills it if it takes too long. It may be called whatever state the process is in.
func (p *process) end() error {
	if p.command == nil {
		return nil
	}
	_ = p.stdin.Close() // fails if the process is gone already, which is as good
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	select {
	case <-p.exited:
		return nil
	case <-timer.C:
	}
	err := p.command.Process.Kill()
	<-p.exited
	return errors.Join(fmt.Errorf("collector %s did not stop within %v and was killed", p.id, stopTime), err)
}
