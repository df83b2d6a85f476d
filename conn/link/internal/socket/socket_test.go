package socket

import (
	"crypto/tls"
	"net"
	"testing"
)

// wrapped is a stream around a connection that changes nothing.
type wrapped struct{ net.Conn }

func (w *wrapped) Unwrap() net.Conn { return w.Conn }

// TestBelow finds the socket below streams that change nothing, and nothing below TLS.
func TestBelow(t *testing.T) {
	t.Parallel()
	socket := new(net.TCPConn)
	secure := tls.Client(socket, nil)
	for _, tt := range []struct {
		stream net.Conn
		want   net.Conn
		pieces bool
	}{
		{socket, socket, true},
		{&wrapped{Conn: socket}, socket, true},
		{&wrapped{Conn: &wrapped{Conn: socket}}, socket, true},
		{secure, secure, false},
		{&wrapped{Conn: secure}, secure, false},
	} {
		got := Below(tt.stream)
		if got != tt.want || Vectored(got) != tt.pieces {
			t.Errorf("%T: writes to a %T, in pieces: %v", tt.stream, got, Vectored(got))
		}
	}
}
