package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// terminal is a command that runs on a terminal of its own.
type terminal struct {
	*exec.Cmd
	keyboard *os.File
	mu       sync.Mutex
	screen   bytes.Buffer  // all that was written since the last look that found something
	more     chan struct{} // something was written
	exited   chan struct{}
}

// onTerminal starts a command on a new terminal of 100 by 30. It is killed when the test ends, if it still runs.
func onTerminal(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	master, slave := openTerminal(t)
	p := &terminal{Cmd: exec.Command(program, args...), keyboard: master, more: make(chan struct{}, 1), exited: make(chan struct{})}
	p.Env = append(append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "TERM=xterm"), env...)
	p.Stdin, p.Stdout, p.Stderr = slave, slave, slave
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go p.read(master, read)
	go func() {
		_ = p.Wait() // tests look at ProcessState
		_ = slave.Close()
		<-read // the end of the slave is that of the master
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill() // it may be gone already
		<-p.exited
		_ = master.Close()
		if t.Failed() {
			t.Logf("the screen of %v:\n%q", args, p.text())
		}
	})
	return p
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var number, unlock int32
	ioctl(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	ioctl(t, master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	ioctl(t, slave, syscall.TIOCSWINSZ, unsafe.Pointer(&[4]uint16{30, 100}))
	return master, slave
}

func ioctl(t *testing.T, file *os.File, request uintptr, arg unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(arg)); errno != 0 {
		t.Fatalf("ioctl %#x: %v", request, errno)
	}
}

func (p *terminal) read(master *os.File, done chan<- struct{}) {
	defer close(done)
	buffer := make([]byte, 4096)
	for {
		n, err := master.Read(buffer)
		p.mu.Lock()
		p.screen.Write(buffer[:n])
		p.mu.Unlock()
		select {
		case p.more <- struct{}{}:
		default:
		}
		if err != nil {
			return // the other end is closed
		}
	}
}

func (p *terminal) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.screen.String()
}

// sees waits until something is on the screen, and forgets what was before it.
func (p *terminal) sees(t *testing.T, what string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		text := p.screen.String()
		if i := strings.Index(text, what); i >= 0 {
			p.screen.Next(i + len(what))
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		select {
		case <-p.more:
		case <-p.exited:
			if !strings.Contains(p.text(), what) {
				t.Fatalf("it ended and never showed %q", what)
			}
		case <-deadline:
			t.Fatalf("never shows %q", what)
		}
	}
}

func (p *terminal) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := p.keyboard.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

func (p *terminal) ends(t *testing.T, exit int) {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	if got := p.ProcessState.ExitCode(); got != exit {
		t.Errorf("exit %d, want %d", got, exit)
	}
}

func TestTopOnATerminal(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users")
	a.on(t, "call", "UserService/ListUsers").expect(t, 0, "", "handled by a")
	a.on(t, "call", "UserService/GetUser", "-d", `{"id":"nobody"}`).expect(t, 69, "", "")
	top := onTerminal(t, nil, "top", "-s", a.URL)
	top.sees(t, "\x1b[?1049h")
	top.sees(t, "shop.v1.UserService/ListUsers")
	top.types(t, "?")
	top.sees(t, "this help")
	top.types(t, "xs")
	top.sees(t, "by errors")
	top.types(t, "r")
	top.sees(t, "reversed")
	top.types(t, "/getuser\r")
	top.sees(t, `filter "getuser": 1 of 3`)
	top.types(t, "\r")
	top.sees(t, "the last minute")
	top.sees(t, "not_found")
	top.types(t, "\x1b")
	top.sees(t, "filter")
	top.types(t, "p")
	top.sees(t, "PAUSED")
	top.types(t, "p")
	a.kill()
	top.sees(t, "AS OF ")
	top.types(t, "q")
	top.sees(t, "\x1b[?1049l")
	top.ends(t, 0)
}

func TestTopEndsWithCtrlC(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory")
	top := onTerminal(t, nil, "top", "-s", a.URL)
	top.sees(t, "collector a")
	top.types(t, "\x03")
	top.sees(t, "\x1b[?1049l")
	top.ends(t, 0)
}

// On a terminal the demo opens the console, and Ctrl-C ends all of it.
func TestDemoOpensTheConsole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	browser, opened := filepath.Join(dir, "browser"), filepath.Join(dir, "opened")
	if err := os.WriteFile(browser, []byte("#!/bin/sh\necho \"$1\" >"+opened+".new && mv "+opened+".new "+opened+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := onTerminal(t, []string{"BROWSER=" + browser}, "demo", "--port", "0", "--for", "10m")
	d.sees(t, "console: http://")
	var url []byte
	until(t, "the browser", func() bool {
		url, _ = os.ReadFile(opened)
		return len(url) > 0
	})
	if !strings.HasPrefix(string(url), "http://127.0.0.1:") || !strings.Contains(string(url), "/console/?token=") {
		t.Errorf("opened %q", url)
	}
	d.sees(t, "handled by")
	d.types(t, "\x03")
	d.sees(t, "everything is stopped")
	d.ends(t, 130)
}

func TestServeHasKeys(t *testing.T) {
	t.Parallel()
	b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	a := onTerminal(t, []string{"BROWSER=/bin/true"}, "serve", "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users", "--join", b.Address)
	a.sees(t, "collector a is up")
	a.sees(t, "keys: b")
	a.sees(t, "joined")
	a.types(t, "l")
	a.sees(t, "log level: WARN")
	a.types(t, "c")
	a.sees(t, "CONNECTION")
	a.sees(t, "active")
	a.types(t, "b")
	a.sees(t, "opening http://127.0.0.1:")
	a.types(t, "lllq") // ERROR, DEBUG, INFO
	a.sees(t, "draining")
	a.ends(t, 0)
}
