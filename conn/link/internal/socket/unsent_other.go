//go:build !linux

package socket

import "net"

// boundUnsent does nothing where the kernel has no such bound, or one of another meaning.
func boundUnsent(*net.TCPConn) {}
