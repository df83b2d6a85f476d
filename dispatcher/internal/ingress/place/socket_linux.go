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

// unread reports whether the client has sent something that nobody has read.
func unread(conn net.Conn) (some bool) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		some = err == nil && n > 0
	})
	return some
}
