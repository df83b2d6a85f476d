package link_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// upgradeServer accepts links at every path and hands them out.
func upgradeServer(t *testing.T, start func(*httptest.Server)) (*httptest.Server, chan *link.Link) {
	t.Helper()
	accepted := make(chan *link.Link, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream, err := link.AcceptUpgrade(w, r)
		if err != nil {
			return
		}
		if l, err := link.Server(context.Background(), stream, config("b", echo{})); err == nil {
			accepted <- l
		}
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetHTTP2(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	start(server)
	t.Cleanup(server.Close)
	return server, accepted
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	plain, plainLinks := upgradeServer(t, (*httptest.Server).Start)
	secure, secureLinks := upgradeServer(t, (*httptest.Server).StartTLS)
	trust := &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}
	for name, c := range map[string]struct {
		server *httptest.Server
		links  chan *link.Link
		trust  *tls.Config
	}{"plain": {plain, plainLinks, nil}, "TLS": {secure, secureLinks, trust}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stream, err := link.DialUpgrade(t.Context(), c.server.Listener.Addr().String(), c.trust)
			if err != nil {
				t.Fatal(err)
			}
			l, err := link.Client(t.Context(), stream, config("a", echo{}))
			if err != nil {
				t.Fatal(err)
			}
			p := pair{l, <-c.links}
			defer p.b.Close("test over")
			defer p.a.Close("test over")
			for _, l := range []*link.Link{p.a, p.b} {
				got, err := p.clientOf(l).Echo(t.Context(), &testingv1.EchoRequest{Text: textOf(100_000)})
				if err != nil || len(got.GetText()) != 100_000 {
					t.Errorf("Echo: %v", err)
				}
			}
		})
	}
	t.Run("TLS that wants a certificate", func(t *testing.T) {
		t.Parallel()
		strict, _ := upgradeServer(t, func(s *httptest.Server) {
			s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
		})
		trust := &tls.Config{RootCAs: strict.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}
		_, err := link.DialUpgrade(t.Context(), strict.Listener.Addr().String(), trust)
		if !errors.Is(err, link.ErrCertificateRefused) || errors.Is(err, link.ErrUpgradeRefused) {
			t.Errorf("DialUpgrade = %v", err)
		}
	})
	t.Run("TLS by nobody we trust", func(t *testing.T) {
		t.Parallel()
		_, err := link.DialUpgrade(t.Context(), secure.Listener.Addr().String(), &tls.Config{})
		if err == nil || errors.Is(err, link.ErrUpgradeRefused) {
			t.Errorf("DialUpgrade = %v", err)
		}
	})
}

const upgradeHeaders = "Host: b\r\nConnection: Upgrade\r\nUpgrade: collective-link/1\r\n"

// TestBadUpgrades sends requests that must not become links.
func TestBadUpgrades(t *testing.T) {
	t.Parallel()
	server, accepted := upgradeServer(t, (*httptest.Server).Start)
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
		answer, err := client.Post(server.URL+link.UpgradePath, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("answer = %s", answer.Status)
		}
	})
	t.Cleanup(func() {
		if len(accepted) != 0 {
			t.Error("one of them became a link")
		}
	})
}

// TestPipelinedUpgrade sends the HELLO right behind the request, before the answer is there.
func TestPipelinedUpgrade(t *testing.T) {
	t.Parallel()
	server, accepted := upgradeServer(t, (*httptest.Server).Start)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := "POST /collector.link HTTP/1.1\r\n" + upgradeHeaders + "\r\n"
	if _, err := conn.Write(append([]byte(request), rawHello.bytes()...)); err != nil {
		t.Fatal(err)
	}
	l := <-accepted
	defer l.Close("test over")
	if l.Peer().CollectorID != "raw" {
		t.Errorf("Peer = %+v", l.Peer())
	}
	p := &rawPeer{t: t, conn: conn, in: bufio.NewReader(conn)}
	if answer, err := http.ReadResponse(p.in, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("answer = %v, %v", answer, err)
	}
	p.expect(typeHello)
	p.send(frame{typePing, 0, 0, []byte("12345678")})
	p.expect(typePong)
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
		"endless headers":      {"HTTP/1.1 101 Switching Protocols\r\n" + strings.Repeat("X-More: "+textOf(1000)+"\r\n", 100), true},
		"one header, dripping": {"drip", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			stream, err := link.DialUpgrade(t.Context(), answering(t, c.answer), nil)
			if stream != nil || err == nil || errors.Is(err, link.ErrUpgradeRefused) != c.refused {
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

// TestSilenceAfterUpgrade wants a peer that says nothing after the 101 given up.
func TestSilenceAfterUpgrade(t *testing.T) {
	t.Parallel()
	address := answering(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: collective-link/1\r\n\r\n"+string(rawHello.bytes()[:10]))
	stream, err := link.DialUpgrade(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := link.Client(t.Context(), stream, config("a", echo{})); err == nil {
		t.Error("a link without a HELLO")
	}
}

func TestDialNobody(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if _, err := link.DialUpgrade(t.Context(), listener.Addr().String(), nil); err == nil || errors.Is(err, link.ErrUpgradeRefused) {
		t.Errorf("DialUpgrade = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := link.DialUpgrade(ctx, answering(t, "wait"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("DialUpgrade with a canceled context = %v", err)
	}
}
