package place

import (
	"net"
	"syscall"
	"time"
)

// UnreadTimeout is how long a client may leave what was sent to it untaken, by the kernel's account.
const UnreadTimeout = 12 * time.Second

// userTimeout is TCP_USER_TIMEOUT of tcp(7), which package syscall does not have.
const userTimeout = 18

// boundUnread has the kernel end a connection whose client takes nothing any more: what lies in the buffers of the kernel
// nobody here waits for.
func boundUnread(conn net.Conn) {
	socket, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(UnreadTimeout.Milliseconds()))
	})
}
