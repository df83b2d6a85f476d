package socket

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/collectiverpc/collective/access"
)

// ErrUnknown is in the chain of every error of [Peer]: the kernel did not say who is at the other end, or was not asked.
var ErrUnknown = errors.New("the process at the other end is not known")

// Peer is the process at the other end of a connection to a unix socket, as it was when it connected. It fails with
// [ErrUnknown] for any other connection, and on systems where it is not known how to ask.
func Peer(conn net.Conn) (*access.SocketPeer, error) {
	// Wrappers of a connection, of TLS for one, have no file descriptor to ask: what they wrap may be anything.
	unix, ok := conn.(interface {
		SyscallConn() (syscall.RawConn, error)
	})
	if !ok || conn.LocalAddr().Network() != "unix" {
		return nil, fmt.Errorf("%w: a %T is no connection to a unix socket", ErrUnknown, conn)
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	var peer *access.SocketPeer
	var refused error
	if err := raw.Control(func(fd uintptr) { peer, refused = credentials(int(fd)) }); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if refused != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, refused)
	}
	return peer, nil
}
