package cli_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// strangers are what listens at the wrong port: what they say first or, after the first byte they hear, at last.
var strangers = map[string]struct {
	greeting, answer string
	plain, secure    string // what is said of them to http:// and to https://
}{
	"ssh":     {"SSH-2.0-OpenSSH_9.2p1 \x1b[31mx\r\n", "", "speaks SSH", "speaks SSH"},
	"mail":    {"220 mx.example ESMTP\r\n", "", "speaks SMTP or FTP", "speaks SMTP or FTP"},
	"nats":    {`INFO {"server_id":"x"}` + "\r\n", "", "speaks NATS", "speaks NATS"},
	"redis":   {"", "-ERR unknown command\r\n", "speaks Redis", "speaks Redis"},
	"tls":     {"", "\x15\x03\x01\x00\x02\x02\x46", "speaks TLS, not plain HTTP", ""},
	"http2":   {"", "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", "speaks HTTP/2 without TLS only", "speaks HTTP/2 without TLS only"},
	"binary":  {"", "\xff\x1b]0;pwn\x07\x00\x9b31m\r\n", "does not speak HTTP", "does not speak HTTP"},
	"control": {"", "HTTP/1.1 200 \x1b[31mOK\r\nContent-Type: \u009b31mx\r\nContent-Length: 0\r\n\r\n", "", "speaks plain HTTP, not TLS"},
}

// Whoever is at the address, the command says who as far as that is proven, exits 3, and nothing of what it heard
// reaches the terminal as it came.
func TestStrangersAtThePort(t *testing.T) {
	t.Parallel()
	for name, stranger := range strangers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, func(c net.Conn) {
				_, _ = io.WriteString(c, stranger.greeting)
				_, _ = c.Read(make([]byte, 1024))
				_, _ = io.WriteString(c, stranger.answer)
			})
			for _, line := range []string{"status", "status --debug", "status --json", "check", "call Some/Method", "dispatch a Some/Method"} {
				for scheme, want := range map[string]string{"http://": stranger.plain, "https://": stranger.secure} {
					got := shell{}.on(t, scheme+address, strings.Fields(line)...)
					got.expect(t, 3, want)
					if raw := strings.IndexFunc(got.err+got.out, isRaw); raw >= 0 {
						t.Errorf("%s at %s: unescaped at %d: %q", line, scheme, raw, got.err+got.out)
					}
				}
			}
		})
	}
}

// isRaw tells what a terminal would take for more than text.
func isRaw(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || 0x7f <= r && r < 0xa0 || r == '\ufffd'
}

func listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	address := listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<16)) })
	for _, protocol := range protocolWords {
		shell{}.on(t, address, "status", "--protocol", protocol).expect(t, 3, "no collector answers", "closed the connection without an answer")
	}
}

// A collector behind a server that speaks HTTP/2 without TLS only: the hint is what works.
func TestOnlyHTTP2(t *testing.T) {
	t.Parallel()
	server := newFake(t, fakeMesh{}, onlyHTTP2)
	shell{}.on(t, server, "status").expect(t, 3, "speaks HTTP/2 without TLS only", "collector status -s "+server+" --protocol grpc")
	shell{}.on(t, strings.Replace(server, "http:", "https:", 1), "status").
		expect(t, 3, "speaks HTTP/2 without TLS only", "collector status -s "+server+" --protocol grpc")
	shell{}.on(t, server, "status", "--protocol", "grpc").expect(t, 0, "collector a")
	shell{}.on(t, server, "call", "OrderService/CreateOrder", "-d", `{"sku":"tea"}`, "--protocol", "grpc").expect(t, 0, "handled by b")
}

// The reverse: gRPC needs HTTP/2.
func TestOnlyHTTP1(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	shell{}.on(t, server.URL, "status", "--protocol", "grpc").expect(t, 3, "speaks HTTP/1 only", "--protocol connect")
}

// What nginx and Apache say to who speaks plain HTTP at their TLS port, with a 400 and as a page.
func TestOtherServersThatWantTLS(t *testing.T) {
	t.Parallel()
	for _, page := range []string{
		"<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>",
		"<!DOCTYPE HTML>\n<html><head>\n<title>400 Bad Request</title>\n</head><body>\n<h1>Bad Request</h1>\n<p>Your browser sent a request " +
			"that this server could not understand.<br />\nReason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, page)
		}))
		defer server.Close()
		shell{}.on(t, server.URL, "status").expect(t, 3, "speaks TLS, not plain HTTP", "https://")
	}
}
