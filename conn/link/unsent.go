package link

import (
	"crypto/tls"
	"io"
	"net"
)

// maxUnsent is how many bytes the kernel takes that it cannot send yet. What it has taken nothing overtakes: over 20 Mbit/s
// the megabytes that it would take otherwise hold up small calls for half a second.
const maxUnsent = 64 << 10

// socketOf returns the socket below a stream, TLS or not; nil if there is none, or none that can be found.
func socketOf(stream io.Writer) *net.TCPConn {
	switch below := writerOf(stream).(type) {
	case *net.TCPConn:
		return below
	case *tls.Conn:
		return socketOf(below.NetConn())
	}
	return nil
}
