package link_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// upgradeServer accepts links at every path and hands them out.
func upgradeServer(t *testing.T, start func(*httptest.Server)) (*httptest.Server, chan *link.Link) {
	t.Helper()
	accepted := make(chan *link.Link, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream, err := carrier.AcceptUpgrade(w, r)
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
			stream, err := carrier.DialUpgrade(t.Context(), &net.Dialer{}, c.server.Listener.Addr().String(), c.trust)
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
		_, err := carrier.DialUpgrade(t.Context(), &net.Dialer{}, strict.Listener.Addr().String(), trust)
		if !errors.Is(err, carrier.ErrCertificateRefused) || errors.Is(err, carrier.ErrRefused) {
			t.Errorf("DialUpgrade = %v", err)
		}
	})
	t.Run("TLS by nobody we trust", func(t *testing.T) {
		t.Parallel()
		_, err := carrier.DialUpgrade(t.Context(), &net.Dialer{}, secure.Listener.Addr().String(), &tls.Config{})
		if err == nil || errors.Is(err, carrier.ErrRefused) {
			t.Errorf("DialUpgrade = %v", err)
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
	p := &rawPeer{t: t, conn: conn, in: bufio.NewReader(conn)}
	if answer, err := http.ReadResponse(p.in, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("answer = %v, %v", answer, err)
	}
	hello := p.expect(typeHello)
	p.send(proofOf("initiator", transcriptOf(rawHello.payload, hello.payload, nil), rawKey))
	l := <-accepted
	defer l.Close("test over")
	if l.Peer().CollectorID != "raw" {
		t.Errorf("Peer = %+v", l.Peer())
	}
	p.send(frame{typePing, 0, 0, []byte("12345678")})
	p.expect(typePong)
}

const upgradeHeaders = "Host: b\r\nConnection: Upgrade\r\nUpgrade: collective-link/1\r\n"

// TestSilenceAfterUpgrade wants a peer that says nothing after the 101 given up.
func TestSilenceAfterUpgrade(t *testing.T) {
	t.Parallel()
	server := answering(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: collective-link/1\r\n\r\n"+string(rawHello.bytes()[:10]))
	stream, err := carrier.DialUpgrade(t.Context(), &net.Dialer{}, server, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := link.Client(t.Context(), stream, config("a", echo{})); err == nil {
		t.Error("a link without a HELLO")
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
		_, _ = io.WriteString(conn, answer)
	}()
	return listener.Addr().String()
}
