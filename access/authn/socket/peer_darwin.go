package socket

import (
	"golang.org/x/sys/unix"

	"github.com/collectiverpc/collective/access"
)

// credentials asks the kernel who connected. The first of the groups is the effective one.
func credentials(fd int) (*access.SocketPeer, error) {
	found, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return nil, err
	}
	peer := &access.SocketPeer{UID: found.Uid}
	if found.Ngroups > 0 {
		peer.GID = found.Groups[0]
	}
	if pid, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID); err == nil {
		peer.PID = int32(pid) //nolint:gosec // a process id has 32 bits
	}
	return peer, nil
}
