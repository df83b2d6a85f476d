package registry_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/registry"
)

const remoteRegistryEnv = "COLLECTIVE_TEST_REMOTE_REGISTRY"

// TestRemoteRegistryProcess is not a test but the process of a remoteProcess. It serves the registry of a database until
// its standard input ends.
func TestRemoteRegistryProcess(t *testing.T) {
	path := os.Getenv(remoteRegistryEnv)
	if path == "" {
		t.Skip("runs as a child of TestRemoteProcessDies")
	}
	server := connect.NewServer()
	r := newRegistry(t, registry.WithStore(openDB(t, path)))
	if len(listAll(t, r, "", 0)) == 0 {
		allowing(t, r)
	}
	r.RegisterHandler(server)
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	listener, err := net.Listen("tcp", os.Getenv(remoteRegistryEnv+"_AT"))
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: mux, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Second}
	web.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = web.Serve(listener)
	}()
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = web.Close()
	<-served
}

// remoteProcess is a registry in a process of its own.
type remoteProcess struct {
	command *exec.Cmd
	input   io.Closer
	address string
}

func startRemote(t *testing.T, db, at string) *remoteProcess {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestRemoteRegistryProcess$") //nolint:noctx // it ends with its standard input
	command.Env = append(os.Environ(), remoteRegistryEnv+"="+db, remoteRegistryEnv+"_AT="+at)
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := &remoteProcess{command: command, input: input}
	t.Cleanup(p.kill)
	if _, err := fmt.Fscanln(bufio.NewReader(output), &p.address); err != nil {
		t.Fatalf("the registry does not start: %v", err)
	}
	return p
}

// kill ends the process as kill -9 does. It may be called again.
func (p *remoteProcess) kill() {
	_ = p.command.Process.Kill()
	_ = p.input.Close()
	_ = p.command.Wait()
}

// The process that validates is killed: calls are refused or pass, as configured. It comes back with its database, and
// counts again.
func TestRemoteProcessDies(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "state.db")
	remote := startRemote(t, db, "127.0.0.1:0")
	client := collectorconnect.NewCollectorRegistryClient(connect.NewClient(
		connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+remote.address, connecthttp.WithGRPC())))

	closed := serveUsers(t, registry.NewGRPCRegistryValidator(client, registry.WithCacheTTL(0)))
	open := serveUsers(t, registry.NewGRPCRegistryValidator(client, registry.WithCacheTTL(0), registry.WithFailOpen()))
	answers := func() {
		t.Helper()
		for _, s := range []serving{closed, open} {
			s.check(t.Context(), t, s.getUser("one", "GetUser"), "ok", "", "")
			s.check(t.Context(), t, s.getUser("one", "PutUser"), "not_found", "not_registered", "PutUser")
		}
	}
	answers()
	remote.kill()
	closed.check(t.Context(), t, closed.getUser("one", "GetUser"), "unavailable", "unreachable", "cannot be asked")
	open.check(t.Context(), t, open.getUser("one", "PutUser"), "ok", "", "")
	startRemote(t, db, remote.address)
	for _, s := range []serving{closed, open} {
		waitFor(t, func() bool { // it is asked once a second
			return s.entrances(t)["Serve"](t.Context(), s.getUser("one", "PutUser")).code == "not_found"
		})
	}
	answers()
}

// waitFor asks again until it is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	again, late := time.NewTicker(50*time.Millisecond), time.NewTimer(20*time.Second)
	defer again.Stop()
	defer late.Stop()
	for !so() {
		select {
		case <-again.C:
		case <-late.C:
			t.Fatal("it does not come back")
		}
	}
}
