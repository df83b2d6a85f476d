package socket

import (
	"crypto/tls"
	"io"
	"net"
)

// wrapper is what package link calls Wrapper.
type wrapper interface{ Unwrap() net.Conn }

// Below is what to write to instead of a stream: the connection within its wrappers, or the stream itself.
func Below(stream io.Writer) io.Writer {
	for {
		around, ok := stream.(wrapper)
		if !ok {
			return stream
		}
		stream = around.Unwrap()
	}
}

// Vectored reports whether w takes several pieces in one system call, as [net.Buffers] would have it.
func Vectored(w io.Writer) bool {
	switch w.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// BoundUnsent sets [MaxUnsent] for the socket below a stream, TLS or not. It does nothing if there is none, or none that can
// be found, and where the kernel has no such bound.
func BoundUnsent(stream io.Writer) {
	switch below := Below(stream).(type) {
	case *net.TCPConn:
		boundUnsent(below)
	case *tls.Conn:
		BoundUnsent(below.NetConn())
	}
}
