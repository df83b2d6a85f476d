package localsocket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/socket"
)

// How long a socket is waited for whose owner is about to leave, as when a collector takes the place of another at one address.
const (
	leaveTime = time.Second
	leaveLook = 20 * time.Millisecond
)

// Listener accepts the connections of the user of this process and of root. Others are closed without a word.
type Listener struct {
	*net.UnixListener
	path  string
	made  fs.FileInfo // of the socket, as this listener made it
	close func() error
}

// Listen makes the socket of a collector that listens at address, host:port. One that nobody listens at any more is replaced, and
// others of that kind in the directory are removed. The caller closes it.
func Listen(ctx context.Context, env Getenv, address string) (*Listener, error) {
	path, err := place(env, address)
	if err != nil {
		return nil, err
	}
	sweep(filepath.Dir(path))
	return ListenAt(ctx, path)
}

// ListenAt makes a socket at a path, whose directory must be there, belong to this user and let nobody else in.
func ListenAt(ctx context.Context, path string) (*Listener, error) {
	if err := errors.Join(checkLength(path), checkDirectory(filepath.Dir(path))); err != nil {
		return nil, err
	}
	if err := vacate(ctx, path); err != nil {
		return nil, err
	}
	bound, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	l := &Listener{UnixListener: bound.(*net.UnixListener), path: path}
	l.SetUnlinkOnClose(false) // by then it may be that of another process
	l.close = sync.OnceValue(l.leave)
	if l.made, err = os.Lstat(path); err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Path is where the socket is.
func (l *Listener) Path() string { return l.path }

// Accept waits for the next connection of somebody who may operate the collector.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		peer, err := socket.Peer(accepted)
		if err == nil && (peer.UID == 0 || int(peer.UID) == os.Geteuid()) {
			return &conn{UnixConn: accepted, address: &Addr{peer: peer, path: l.path}}, nil
		}
		_ = accepted.Close() // who is told nothing learns nothing
	}
}

// Close removes the socket and ends Accept. It may be called again.
func (l *Listener) Close() error { return l.close() }

// leave removes the socket only as long as it is the one that this listener made.
func (l *Listener) leave() error {
	if now, err := os.Lstat(l.path); err == nil && l.made != nil && os.SameFile(now, l.made) {
		_ = os.Remove(l.path) // what is left is removed by the next one
	}
	return l.UnixListener.Close()
}

// vacate removes what a process left at path. One that is still there, and does not leave, keeps its socket.
func vacate(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	for {
		err := checkSocket(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w; remove it, or name another place", err)
		}
		if leftOver(ctx, path) {
			return os.Remove(path)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: another process listens there", path)
		case <-time.After(leaveLook):
		}
	}
}

// leftOver reports whether a socket is one that nobody listens at.
func leftOver(ctx context.Context, path string) bool {
	other, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = other.Close() // it was only to see whether somebody is there
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// mostSwept bounds what one start spends on what others left.
const mostSwept = 64

// sweep removes what processes left in a directory that is this user's.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries[:min(mostSwept, len(entries))] {
		path := filepath.Join(dir, entry.Name())
		if strings.HasSuffix(path, suffix) && checkSocket(path) == nil && leftOver(context.Background(), path) {
			_ = os.Remove(path) // it is in nobody's way
		}
	}
}

// conn is a connection of a peer that is known. Its addresses say so, in place of those of the socket, which have no words.
type conn struct {
	*net.UnixConn
	address *Addr
}

// Unwrap is the socket itself.
func (c *conn) Unwrap() net.Conn { return c.UnixConn }

func (c *conn) LocalAddr() net.Addr  { return c.address }
func (c *conn) RemoteAddr() net.Addr { return c.address }

// Addr is the address of both ends of a connection of the socket. It is immutable.
type Addr struct {
	peer *access.SocketPeer
	path string
}

// Network is unix.
func (a *Addr) Network() string { return "unix" }

// String tells who is at the other end, for logs and history: unix(uid 1000, pid 4711).
func (a *Addr) String() string { return fmt.Sprintf("unix(uid %d, pid %d)", a.peer.UID, a.peer.PID) }
