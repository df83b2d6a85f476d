//go:build !linux

package place

import (
	"net"
	"time"
)

// UnreadTimeout is how long a client may leave what was sent to it untaken, where the kernel has such a bound.
const UnreadTimeout = 12 * time.Second

// boundUnread does nothing where the kernel has no such bound.
func boundUnread(net.Conn) {}

// unread knows nothing there.
func unread(net.Conn) bool { return false }
