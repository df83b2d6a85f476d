package link

import (
	"crypto/tls"
	"net"
	"testing"
)

// wrapped is a stream around a connection that changes nothing.
type wrapped struct{ net.Conn }

func (w *wrapped) Unwrap() net.Conn { return w.Conn }

// TestWriterOf finds the socket below streams that change nothing, and nothing below TLS.
func TestWriterOf(t *testing.T) {
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
		got := writerOf(tt.stream)
		if got != tt.want || vectored(got) != tt.pieces {
			t.Errorf("%T: writes to a %T, in pieces: %v", tt.stream, got, vectored(got))
		}
	}
}
