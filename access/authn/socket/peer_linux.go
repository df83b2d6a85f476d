package socket

import (
	"golang.org/x/sys/unix"

	"github.com/collectiverpc/collective/access"
)

// credentials asks the kernel who connected.
func credentials(fd int) (*access.SocketPeer, error) {
	found, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return nil, err
	}
	return &access.SocketPeer{UID: found.Uid, GID: found.Gid, PID: found.Pid}, nil
}
