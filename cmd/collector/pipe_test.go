package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A collector does its work whether or not anybody still reads what it says, and stops in order when told to.
func TestServeOutlivesItsReaders(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(t *testing.T, a *process, stdout, stderr *os.File){
		"both are gone":  func(_ *testing.T, _ *process, stdout, stderr *os.File) { closeAll(stdout, stderr) },
		"stdout is gone": func(_ *testing.T, _ *process, stdout, _ *os.File) { closeAll(stdout) },
		"stderr is gone": func(_ *testing.T, _ *process, _, stderr *os.File) { closeAll(stderr) },
		"the terminal is": func(t *testing.T, a *process, _, _ *os.File) {
			a.signal(t, syscall.SIGHUP)
			a.signal(t, syscall.SIGHUP)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, stdout, stderr := servePiped(t, "--id", "a", "--listen", "127.0.0.1:0", "--ns", "users", "--example", "users", "--db", filepath.Join(t.TempDir(), "a.db"), "--log-level", "debug")
			leave(t, a, stdout, stderr)
			a.signal(t, syscall.SIGHUP) // and more to log
			b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--ns", "users", "--db", "memory")
			b.on(t, "connect", a.Address).expect(t, 0, "active", "")
			until(t, "a to be connected", a.sees(t, "active"))
			a.on(t, "call", "UserService/GetUser", "-d", `{"id":"u-2"}`).expect(t, 0, `"u-2"`, "handled by a")
			a.signal(t, syscall.SIGTERM)
			if exit := a.wait(t); exit != 0 {
				t.Errorf("exit %d after SIGTERM: %v", exit, a.ProcessState)
			}
			until(t, "b to be told", b.sees(t, "stale")) // by a goodbye
		})
	}
}

// A hang-up is logged, and takes nothing from SIGTERM.
func TestServeLogsAHangUp(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory")
	a.signal(t, syscall.SIGHUP)
	until(t, "the hang-up in the log", func() bool { return strings.Contains(a.log.String(), "SIGHUP") })
	a.on(t, "status").expect(t, 0, "", "collector a")
	a.signal(t, syscall.SIGTERM)
	if exit := a.wait(t); exit != 0 {
		t.Errorf("exit %d after a hang-up and SIGTERM:\n%s", exit, a.log)
	}
}

// servePiped is serve with real pipes, whose other ends it returns.
func servePiped(t *testing.T, args ...string) (p *process, stdout, stderr *os.File) {
	t.Helper()
	p = &process{Cmd: exec.Command(program, append([]string{"serve"}, args...)...), log: new(transcript), exited: make(chan struct{})}
	stdout, p.Stdout = pipe(t)
	stderr, p.Stderr = pipe(t)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	closeAll(p.Stdout.(*os.File), p.Stderr.(*os.File))
	go func() {
		defer close(p.exited)
		_ = p.Wait() // tests look at ProcessState
	}()
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(line), p); err != nil {
		t.Fatalf("ready line %q: %v", line, err)
	}
	return p, stdout, stderr
}

func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(read, write) })
	return read, write
}

// closeAll closes files that may be closed already.
func closeAll(files ...*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}

// Commands whose reader has had enough, as `| head` has, end without a word by SIGPIPE, as other programs do, also
// where who starts them ignores that, as systemd does.
func TestCommandsEndQuietlyWithTheirReader(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--ns", "users", "--example", "users", "--db", "memory")
	a.on(t, "call", "UserService/GetUser", "-d", `{"id":"u-2"}`).expect(t, 0, "u-2", "")
	for _, args := range [][]string{
		{"call", "UserService/GetUser", "-q", "-d", `{"id":"u-2"}`},
		{"call", "UserService/GetUser", "-q", "--json", "-d", `{"id":"u-2"}`},
		{"services", "-q"},
		{"status", "-q", "-o", "json"},
		{"tap", "-q"},
		{"tap", "-q", "--once"},
		{"dispatch", "users", "UserService/GetUser", "-q", "-d", `{"id":"u-2"}`},
	} {
		for _, ignored := range []bool{false, true} {
			exited, errs := endsWithReader(t, ignored, append(args, "-s", a.URL)...)
			status, _ := exited.Sys().(syscall.WaitStatus)
			if !status.Signaled() || status.Signal() != syscall.SIGPIPE || errs != "" {
				t.Errorf("%v, with SIGPIPE ignored %v: %v\n%s", args, ignored, exited, errs)
			}
		}
	}
	a.on(t, "call", "UserService/GetUser", "-d", `{"id":"none"}`).expect(t, 69, "", "none") // other failures keep their words
}

// endsWithReader runs a command whose stdout nobody reads.
func endsWithReader(t *testing.T, ignored bool, args ...string) (exited *os.ProcessState, errs string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	if ignored {
		command = exec.CommandContext(t.Context(), "sh", append([]string{"-c", `trap "" PIPE; exec "$@"`, "sh", program}, args...)...)
	}
	command.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir())
	read, write := pipe(t)
	closeAll(read)
	var said strings.Builder
	command.Stdout, command.Stderr = write, &said
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = command.Run() // its state tells
	}()
	select {
	case <-ran:
	case <-time.After(patience):
		t.Fatalf("%v goes on without a reader", args)
	}
	return command.ProcessState, said.String()
}

// The demo cleans up when its reader or its terminal is gone, as it does after Ctrl-C.
func TestDemoEndsWithItsReader(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		leave func(t *testing.T, demo *os.Process, stdout *os.File)
		exit  int
		says  string
	}{
		"reader":   {func(_ *testing.T, _ *os.Process, stdout *os.File) { closeAll(stdout) }, 141, ""},
		"terminal": {func(t *testing.T, demo *os.Process, _ *os.File) { signalTo(t, demo, syscall.SIGHUP) }, 130, "everything is stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temp := t.TempDir()
			command := exec.Command(program, "demo", "--port", "0", "--for", "10m")
			command.Env = append(os.Environ(), "TMPDIR="+temp)
			stdout, write := pipe(t)
			command.Stdout = write
			stderr, err := command.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			closeAll(write)
			t.Cleanup(func() { _ = command.Process.Kill() })
			said := new(transcript)
			urls := make(chan []string, 1)
			go func() { urls <- readURLs(io.TeeReader(stderr, said)) }()
			if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
				t.Errorf("first line %q: %v", line, err)
			}
			tt.leave(t, command.Process, stdout)
			started := <-urls
			_ = command.Wait() // its state tells
			if exit := command.ProcessState.ExitCode(); exit != tt.exit || strings.Contains(said.String(), "error:") != (tt.says != "") || !strings.Contains(said.String(), tt.says) {
				t.Errorf("ended with %v, want exit %d:\n%s", command.ProcessState, tt.exit, said)
			}
			if len(started) != 3 {
				t.Errorf("started %v", started)
			}
			for _, url := range started {
				expectNobody(t, url)
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func signalTo(t *testing.T, p *os.Process, s os.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}
