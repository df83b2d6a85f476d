package dispatcher_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/store"
)

const (
	tenLinesEnv     = "COLLECTIVE_TEST_TEN_LINES"
	tenLinesJoinEnv = "COLLECTIVE_TEST_TEN_LINES_JOIN"
)

// tenLines is a program as its user writes it. It connects only if it is told to; else it has what it remembers.
func tenLines(path, join string) {
	file, err := store.Open(path)
	exitOn(err)
	d, err := dispatcher.New("a", "", []string{"test"}, dispatcher.WithStore(file))
	exitOn(err)
	if join != "" {
		_, err := d.ConnectTo(context.Background(), join, nil)
		exitOn(err)
	}
	exitOn(d.ListenAndServe(context.Background(), "127.0.0.1:0", nil, 0))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// startTenLines starts the program and waits until it listens: then what it has connected to is on its disk.
func startTenLines(t *testing.T, path, join string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), tenLinesEnv+"="+path, tenLinesJoinEnv+"="+join)
	stderr, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	said := bufio.NewReader(stderr)
	for {
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatalf("the program ends with %q, %v", line, err)
		}
		if strings.Contains(line, "listening") {
			go io.Copy(io.Discard, said) //nolint:errcheck // until it ends
			return cmd
		}
	}
}

// A program of ten lines dials again by itself after kill -9.
func TestListenAndServe_RecoversAfterAKill(t *testing.T) {
	t.Parallel()
	b := serve(t, "b", []string{"test"})
	connected := func() bool {
		return slices.ContainsFunc(b.Connections().ListConnections(), func(c *collector.Connection) bool {
			return c.GetSourceCollectorId() == "a" && c.GetState() == collector.ConnectionState_CONNECTION_STATE_ACTIVE
		})
	}
	path, join := filepath.Join(t.TempDir(), "a.db"), b.Address
	for round := range 3 {
		program := startTenLines(t, path, join)
		b.waitFor(t, fmt.Sprintf("a connects, round %d", round), connected)
		must(t, program.Process.Kill())
		_ = program.Wait()
		b.waitFor(t, "a is gone", func() bool { return !connected() })
		join = "" // from now on it has to remember
	}
}

func TestServeListener_RefusesPlaintextBeyondLoopback(t *testing.T) {
	t.Parallel()
	listen := func() net.Listener {
		listener, err := net.Listen("tcp", "0.0.0.0:0")
		must(t, err)
		return listener
	}
	quiet := dispatcher.WithLogger(slog.New(slog.DiscardHandler))
	d, err := dispatcher.New("a", "", []string{"test"}, quiet)
	must(t, err)
	listener := listen()
	err = d.ServeListener(t.Context(), listener, dispatcher.Serving{})
	for _, want := range []string{`collector "a" does not listen at`, "without TLS", "dispatcher.WithPlaintext"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("plaintext at %s: %v, want %q", listener.Addr(), err, want)
		}
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is still open: %v", err)
	}
	authority := meshtest.NewAuthority(t)
	for name, how := range map[string]struct {
		options []dispatcher.Option
		serving dispatcher.Serving
	}{
		"allowed":  {options: []dispatcher.Option{quiet, dispatcher.WithPlaintext()}},
		"with TLS": {options: []dispatcher.Option{quiet}, serving: dispatcher.Serving{TLS: authority.TLS(authority.Of(t, "a"))}},
	} {
		d, err := dispatcher.New("a", "", []string{"test"}, how.options...)
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		how.serving.Ready = stop
		if err := d.ServeListener(ctx, listen(), how.serving); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where a collector listens is in its log, once, with its id.
func TestServeListener_SaysWhereItListens(t *testing.T) {
	t.Parallel()
	log := new(bytes.Buffer)
	d, err := dispatcher.New("a", "", []string{"test"}, dispatcher.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	must(t, d.ServeListener(ctx, listener, dispatcher.Serving{Ready: stop}))
	address := listener.Addr().String()
	line, err := bytes.NewBuffer(log.Bytes()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if strings.Count(log.String(), address) != 1 || strings.Count(line, "collector=a") != 1 || !strings.Contains(line, "address="+address) {
		t.Errorf("the log is\n%s\nwant one line with %s and the id once", log, address)
	}
}
