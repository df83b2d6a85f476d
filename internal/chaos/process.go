package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/network"
)

// Process is a child of the rig, in a site.
type Process struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	ready  string // its first line
	exited chan struct{}
	ended  time.Time // when it has exited
	log    string    // the file of its standard error
}

// spawn starts a process in a site and waits for its first line. input is written to it first, as JSON.
func (s *Stage) spawn(site network.Site, name string, command *exec.Cmd, input any) (*Process, error) {
	p := &Process{name: name, cmd: command, exited: make(chan struct{}), log: filepath.Join(s.dir, name+".log")}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command.Dir, command.Stderr = s.dir, log
	if p.in, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := site.Start(command); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	s.defers(p.kill)
	if input != nil {
		if err := json.NewEncoder(p.in).Encode(input); err != nil {
			return nil, err
		}
	}
	reader := bufio.NewReader(stdout)
	p.ready, err = reader.ReadString('\n')
	go p.watch(reader)
	if err != nil {
		<-p.exited
		return nil, fmt.Errorf("%s is not ready: %w\n%s", name, err, p.tail())
	}
	return p, nil
}

// watch waits for the end of a process.
func (p *Process) watch(out io.Reader) {
	_, _ = io.Copy(io.Discard, out)
	_ = p.cmd.Wait() // how it ended is in its log
	p.ended = time.Now()
	close(p.exited)
}

// kill ends a process at once, and waits for its end.
func (p *Process) kill() {
	_ = p.cmd.Process.Kill() // it may be gone
	<-p.exited
}

// signal sends a signal to a process.
func (p *Process) signal(what syscall.Signal) error { return p.cmd.Process.Signal(what) }

// tell writes a command to a host.
func (p *Process) tell(command string) error {
	_, err := fmt.Fprintln(p.in, command)
	return err
}

// tail is the end of its log.
func (p *Process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}
