package carrier_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/collectiverpc/collective/conn/carrier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// upgradeServer accepts streams at every path, counts them and sends back what comes.
func upgradeServer(t *testing.T) (server *httptest.Server, accepted *atomic.Int32) {
	t.Helper()
	accepted = new(atomic.Int32)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream, err := carrier.AcceptUpgrade(w, r)
		if err != nil {
			return
		}
		accepted.Add(1)
		_, _ = io.Copy(stream, stream)
		_ = stream.Close()
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server, accepted
}

// TestUpgradedStream wants back what it has sent, of whatever size.
func TestUpgradedStream(t *testing.T) {
	t.Parallel()
	server, _ := upgradeServer(t)
	stream, err := carrier.DialUpgrade(t.Context(), &net.Dialer{}, server.Listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if carrier.Carried(stream) {
		t.Error("a connection says that an RPC carries it")
	}
	wantEchoed(t, stream)
}

// wantEchoed sends a mebibyte, wants it back, and closes the stream.
func wantEchoed(t *testing.T, stream io.ReadWriteCloser) {
	t.Helper()
	sent := strings.Repeat("0123456789abcdef", 1<<16)
	failed := make(chan error, 1)
	go func() {
		_, err := io.WriteString(stream, sent)
		failed <- err
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(stream, got); err != nil || string(got) != sent {
		t.Errorf("what came back is something else, or %v", err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
}

const upgradeHeaders = "Host: b\r\nConnection: Upgrade\r\nUpgrade: collective-link/1\r\n"

// TestBadUpgrades sends requests that must not become streams.
func TestBadUpgrades(t *testing.T) {
	t.Parallel()
	server, accepted := upgradeServer(t)
	for name, request := range map[string]string{
		"no token":                            "POST /collector.link HTTP/1.1\r\nHost: b\r\n\r\n",
		"token without Upgrade in Connection": "POST /collector.link HTTP/1.1\r\nHost: b\r\nUpgrade: collective-link/1\r\n\r\n",
		"wrong version":                       "POST /collector.link HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: collective-link/2\r\n\r\n",
		"websocket":                           "POST /collector.link HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"h2c":                                 "POST /collector.link HTTP/1.1\r\nHost: b\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n",
		"two tokens":                          "POST /collector.link HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: collective-link/1, websocket\r\n\r\n",
		"token twice":                         "POST /collector.link HTTP/1.1\r\n" + upgradeHeaders + "Upgrade: collective-link/1\r\n\r\n",
		"GET":                                 "GET /collector.link HTTP/1.1\r\n" + upgradeHeaders + "\r\n",
		"body":                                "POST /collector.link HTTP/1.1\r\n" + upgradeHeaders + "Content-Length: 3\r\n\r\nabc",
		"chunked body":                        "POST /collector.link HTTP/1.1\r\n" + upgradeHeaders + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.0":                            "POST /collector.link HTTP/1.0\r\n" + upgradeHeaders + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode < 400 || answer.Header.Get("Upgrade") != "collective-link/1" {
				t.Errorf("answer = %s, %v", answer.Status, answer.Header)
			}
		})
	}
	t.Run("HTTP/2", func(t *testing.T) {
		t.Parallel()
		client, _ := h2cServer(t, http.NotFoundHandler())
		answer, err := client.Post(server.URL+carrier.UpgradePath, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("answer = %s", answer.Status)
		}
	})
	t.Cleanup(func() {
		if accepted.Load() != 0 {
			t.Error("one of them became a stream")
		}
	})
}

// TestBadUpgradeAnswers dials what is no collector.
func TestBadUpgradeAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  string
		refused bool // and not just broken
	}{
		"200":                  {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
		"404":                  {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", true},
		"redirect":             {"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", true},
		"101 without token":    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", true},
		"101 for a websocket":  {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true},
		"103 before the 101":   {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: collective-link/1\r\n\r\n", true},
		"no HTTP":              {"SSH-2.0-OpenSSH_9.2\r\n", true},
		"hang up":              {"", true},
		"silence":              {"wait", false},
		"endless headers":      {"HTTP/1.1 101 Switching Protocols\r\n" + strings.Repeat("X-More: "+strings.Repeat("x", 1000)+"\r\n", 100), true},
		"one header, dripping": {"drip", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			stream, err := carrier.DialUpgrade(t.Context(), &net.Dialer{}, answering(t, c.answer), nil)
			if stream != nil || err == nil || errors.Is(err, carrier.ErrRefused) != c.refused {
				t.Errorf("DialUpgrade = %v", err)
			}
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// answering is the address of something that gives everybody the same answer.
func answering(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		switch answer {
		case "wait":
			_, _ = io.Copy(io.Discard, conn)
		case "drip":
			drip(conn)
		default:
			_, _ = io.WriteString(conn, answer)
		}
	}()
	return listener.Addr().String()
}

func drip(conn net.Conn) {
	_, err := fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nX-Header: ")
	for err == nil {
		<-time.After(50 * time.Millisecond)
		_, err = fmt.Fprint(conn, "x")
	}
}

func TestDialNobody(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if _, err := carrier.DialUpgrade(t.Context(), &net.Dialer{}, listener.Addr().String(), nil); err == nil || errors.Is(err, carrier.ErrRefused) {
		t.Errorf("DialUpgrade = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := carrier.DialUpgrade(ctx, &net.Dialer{}, answering(t, "wait"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("DialUpgrade with a canceled context = %v", err)
	}
}
