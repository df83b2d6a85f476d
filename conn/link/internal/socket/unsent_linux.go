package socket

import (
	"net"

	"golang.org/x/sys/unix"
)

// boundUnsent sets MaxUnsent. A socket that refuses works as well, only with more delay on a slow wire.
func boundUnsent(socket *net.TCPConn) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, MaxUnsent)
	})
}
