package localsocket_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/collectiverpc/collective/internal/localsocket"
)

func dialer(path string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return localsocket.Dial(ctx, path) }
}

func chmod(err error, dir string, mode os.FileMode) error {
	return errors.Join(err, os.Chmod(dir, mode))
}

func chown(err error, dir string) error { return errors.Join(err, os.Chown(dir, 65534, 65534)) }

// Another user is sent away even where the directory lets everybody in: the kernel says who it is.
func TestAnotherUserIsSentAway(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("NOT RUN: only root can be another user")
	}
	env, dir := home(t)
	l := listen(t, env, address)
	check(t, os.Chmod(filepath.Dir(dir), 0o755))
	check(t, os.Chmod(dir, 0o755))
	check(t, os.Chmod(l.Path(), 0o666))
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	stranger, err := asNobody(l.Path())
	check(t, err)
	defer stranger.Close()
	if n, err := stranger.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("another user reads %d bytes, %v", n, err)
	}
	own, err := localsocket.Dial(t.Context(), l.Path())
	check(t, err)
	defer own.Close()
	if c := <-accepted; c == nil || c.RemoteAddr().String() == "" {
		t.Error("the user itself is not let in")
	} else {
		_ = c.Close()
	}
	check(t, l.Close())
	if c, more := <-accepted; more {
		t.Errorf("somebody else was let in: %v", c.RemoteAddr())
	}
}

// asNobody connects as another user: on a thread of its own, which ends with it.
func asNobody(path string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if _, _, failed := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), 65534, ^uintptr(0)); failed != 0 {
			err = failed
			return
		}
		conn, err = net.Dial("unix", path)
	}()
	<-done
	return conn, err
}
