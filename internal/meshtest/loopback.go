package meshtest

import (
	"net"
	"net/http"
	"testing"
)

// HTTP2Client returns a client that speaks HTTP/2 without TLS and has closed its connections when the test ends.
// gRPC and streams both ways need it; Go's default client would speak HTTP/1.1 to a port without TLS.
func HTTP2Client(t testing.TB) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// FreeAddress returns an address of loopback where nobody listens.
// Somebody else may take it before it is used; a test that can listen on port 0 itself should.
func FreeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
