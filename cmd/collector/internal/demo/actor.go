package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// Bounds of what a process may take.
const (
	startTime = 20 * time.Second // to say that it is ready
	stopTime  = 10 * time.Second // to drain when asked to stop
)

// actor is one collector process. Its methods are for one goroutine.
type actor struct {
	id         string
	namespaces []string
	example    string
	seed       uint64 // of the fault
	program    string // the binary
	dir        string // where its database and log are
	listen     string // port 0 at first, then the port it got

	mesh       meshv1connect.MeshServiceClient
	dispatcher collectorconnect.CollectiveDispatcherClient
	http       *http.Client

	process *exec.Cmd
	stdin   io.Closer     // the process stops when it is closed, so also when the demo dies
	exited  chan struct{} // closed when the process is gone
}

// startSomewhere starts the process at its address, or at a free port if somebody has taken that one: a port is nobody's
// between looking whether it is free and listening, nor while its collector is away.
func (a *actor) startSomewhere(ctx context.Context, note func(string, ...any)) error {
	err := a.start(ctx)
	if !errors.Is(err, errTaken) {
		return err
	}
	note("%s is taken by somebody else, so %s listens on a free port", a.listen, a.id)
	a.listen = anyPort
	return a.start(ctx)
}

// errTaken is why a collector did not start when somebody else listens at its address.
var errTaken = errors.New("its address is taken")

// start runs the process and waits until it is ready.
func (a *actor) start(ctx context.Context) error {
	logFile, err := os.OpenFile(a.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close() // the process has its own handle
	process := exec.Command(a.program, "serve", "--until-eof", "--json", "--id", a.id, "--listen", a.listen,
		"--ns", strings.Join(a.namespaces, ","), "--example", a.example, "--example-fault", strconv.Itoa(faultPercent), "--example-seed", strconv.FormatUint(a.seed, 10),
		"--db", a.path("db"), "--log-format", "text")
	process.Stderr = logFile
	process.Env = withoutSettings(os.Environ())
	stdin, err := process.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	a.process, a.stdin, a.exited = process, stdin, make(chan struct{})
	ready := make(chan string, 1)
	go a.wait(stdout, ready)
	return a.awaitReady(ctx, ready)
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
func (a *actor) wait(stdout io.Reader, ready chan<- string) {
	defer close(a.exited)
	reader := bufio.NewReader(stdout)
	line, err := reader.ReadString('\n')
	if err == nil {
		ready <- line
		_, _ = io.Copy(io.Discard, reader) // it ends when the process does
	}
	_ = a.process.Wait() // how it ended is in its log; that it ended is what matters
}

func (a *actor) awaitReady(ctx context.Context, ready <-chan string) error {
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case line := <-ready:
		return a.setAddress(line)
	case <-a.exited:
		return a.notStarted()
	case <-timer.C:
		return fmt.Errorf("collector %s is not ready after %v: %s", a.id, startTime, a.lastWords())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// notStarted tells why the process ended before it was ready, from its last words.
func (a *actor) notStarted() error {
	words := a.lastWords()
	if strings.Contains(words, syscall.EADDRINUSE.Error()) {
		return fmt.Errorf("collector %s did not start: %w: %s", a.id, errTaken, words)
	}
	return fmt.Errorf("collector %s did not start: %s", a.id, words)
}

// setAddress takes the address from the ready line, so that a restart gets the same port, and makes the clients.
func (a *actor) setAddress(line string) error {
	var said struct{ Address string }
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		return fmt.Errorf("collector %s: ready line %q: %w", a.id, line, err)
	}
	a.listen = said.Address
	if a.http != nil {
		a.http.CloseIdleConnections()
	}
	a.http = &http.Client{Transport: &http.Transport{}}
	client := connect.NewClient(connecthttp.NewTransport(a.http, a.url()))
	a.mesh = meshv1connect.NewMeshServiceClient(client)
	a.dispatcher = collectorconnect.NewCollectiveDispatcherClient(client)
	return nil
}

func (a *actor) url() string { return "http://" + a.listen }

// console is where the actor shows itself to browsers.
func (a *actor) console() string { return a.url() + "/console/" }

func (a *actor) path(ending string) string { return filepath.Join(a.dir, a.id+"."+ending) }

// lastWords are the end of the process's log.
func (a *actor) lastWords() string {
	const most = 500
	text, err := os.ReadFile(a.path("log"))
	if err != nil {
		return err.Error()
	}
	words := strings.TrimSpace(string(text[max(0, len(text)-most):]))
	if words == "" {
		return "it said nothing"
	}
	return words
}

// kill is SIGKILL: no goodbye, no flush.
func (a *actor) kill() error {
	if err := a.process.Process.Kill(); err != nil {
		return err
	}
	<-a.exited
	return nil
}

// stop asks the process to drain and kills it if it takes too long. It may be called whatever state the process is in.
func (a *actor) stop() error {
	if a.http != nil {
		a.http.CloseIdleConnections()
	}
	if a.process == nil {
		return nil
	}
	_ = a.stdin.Close() // fails if the process is gone already, which is as good
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	select {
	case <-a.exited:
		return nil
	case <-timer.C:
	}
	err := a.process.Process.Kill()
	<-a.exited
	return errors.Join(fmt.Errorf("collector %s did not stop within %v and was killed", a.id, stopTime), err)
}
