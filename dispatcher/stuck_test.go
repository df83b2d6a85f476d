package dispatcher_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// mostStuck is how long a connection may stay whose client has stopped.
const mostStuck = 15 * time.Second

// stuckPath is a request that its client does not bring to its end, and what is answered to it.
type stuckPath struct {
	name, method, path, contentType, headers string
	body                                     string // what comes of it
}

const (
	echoPath    = testingv1connect.EchoServiceEchoProcedure
	collectPath = testingv1connect.EchoServiceCollectProcedure
	statusPath  = "/collector.mesh.v1.MeshService/GetStatus"
)

var stuckPaths = []stuckPath{
	{name: "404", path: "/nowhere.Service/Method", contentType: "application/json"},
	{name: "404 plain", path: "/nowhere", contentType: "text/plain"},
	{name: "405", method: "PUT", path: echoPath, contentType: "application/json"},
	{name: "413", path: echoPath, contentType: "application/json", headers: "Content-Length: 100000000\r\n"},
	{name: "415", path: echoPath, contentType: "application/x"},
	{name: "415 own", path: statusPath, contentType: "application/x"},
	{name: "426", path: carrier.UpgradePath, contentType: "application/x"},
	{name: "505", path: testingv1connect.EchoServiceConverseProcedure, contentType: "application/grpc"},
	{name: "unary", path: echoPath, contentType: "application/json", body: "{"},
	{name: "unary own", path: statusPath, contentType: "application/json", body: "{"},
	{name: "unary timed out", path: echoPath, contentType: "application/json", body: "{", headers: "Connect-Timeout-Ms: 100\r\n"},
	{name: "unary gRPC-Web", path: echoPath, contentType: "application/grpc-web+proto", body: "\x00\x00\x00\x00\x05a"},
	{name: "unary gRPC-Web text", path: echoPath, contentType: "application/grpc-web-text", body: "AAAAAA"},
	{name: "4 GiB envelope", path: collectPath, contentType: "application/connect+proto", body: "\x00\xff\xff\xff\xff"},
	{name: "4 GiB envelope gRPC", path: collectPath, contentType: "application/grpc", body: "\x00\xff\xff\xff\xff"},
	{name: "within a message", path: collectPath, contentType: "application/connect+proto", body: "\x00\x00\x00\x00\x09a"},
	{name: "within a prefix", path: collectPath, contentType: "application/connect+proto", body: "\x00\x00"},
	{name: "unknown compression", path: echoPath, contentType: "application/grpc", headers: "Grpc-Encoding: x\r\n"},
	{name: "Serve", path: "/collector.CollectiveDispatcher/Serve", contentType: "application/json", body: "{"},
	{name: "carry", path: carrier.CarryPath, contentType: "application/x"},
}

// A request that stops being sent costs its connection, whatever was answered and however it came.
func TestStuck_Requests(t *testing.T) {
	t.Parallel()
	authority := meshtest.NewAuthority(t)
	plain, err := meshtest.Start("plain", []string{"test"}, nil)
	must(t, err)
	t.Cleanup(func() { must(t, plain.Stop()) })
	secured, err := meshtest.Start("tls", []string{"test"}, authority.TLS(authority.Of(t, "tls")))
	must(t, err)
	t.Cleanup(func() { must(t, secured.Stop()) })
	client := &tls.Config{RootCAs: authority.Pool, ServerName: "127.0.0.1"}
	longest := new(figure)
	var all sync.WaitGroup // not parallel tests, of which two run at a time
	for name, side := range map[string]struct {
		node   node
		client *tls.Config
	}{"plaintext": {node{plain}, nil}, "TLS": {node{secured}, client}} {
		side.node.hostEcho(t, "test")
		for _, p := range stuckPaths {
			p.name = name + " " + p.name
			all.Go(func() { longest.is(p.stopHTTP1(t, side.node.Address, side.client)) })
			all.Go(func() { longest.is(p.stopHTTP2(t, side.node.Address, side.client, false)) })
			if !strings.HasSuffix(p.name, "505") { // which is a stream over HTTP/2, and may be quiet
				all.Go(func() { longest.is(p.stopHTTP2(t, side.node.Address, side.client, true)) })
			}
		}
		all.Go(func() { longest.is(stopHeads(t, side.node.Address, side.client)) })
	}
	all.Wait()
	t.Logf("ATTACK stuck_closed %.1f s", longest.most.Seconds())
}

// figure keeps the largest of what several tests have measured.
type figure struct {
	mu   sync.Mutex
	most time.Duration
}

func (f *figure) is(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.most = max(f.most, d)
}

func (p stuckPath) stopHTTP1(t *testing.T, address string, secure *tls.Config) time.Duration {
	w := newWire(t, address, secure)
	method, framing := p.method, "Transfer-Encoding: chunked\r\n"
	if method == "" {
		method = http.MethodPost
	}
	if strings.Contains(p.headers, "Content-Length") {
		framing = ""
	}
	w.say(t, method+" "+p.path+" HTTP/1.1\r\nHost: a\r\nContent-Type: "+p.contentType+"\r\n"+framing+p.headers+"\r\n")
	if p.body != "" {
		w.say(t, fmt.Sprintf("%x\r\n%s\r\n", len(p.body), p.body))
	}
	return w.closes(t, p.name)
}

// closes reads until the other end closes the connection.
func (w *wire) closes(t *testing.T, what string) time.Duration {
	t.Helper()
	begin := time.Now()
	must(t, w.SetDeadline(begin.Add(mostStuck)))
	got, err := io.ReadAll(w.in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: the connection is open after %v; the answer is %.100q", what, mostStuck, got)
	}
	return time.Since(begin)
}

func (p stuckPath) stopHTTP2(t *testing.T, address string, secure *tls.Config, lives bool) time.Duration {
	f := newFrames(t, address, secure)
	var more []string
	if p.headers != "" {
		name, value, _ := strings.Cut(strings.TrimSpace(p.headers), ": ")
		more = []string{strings.ToLower(name), value}
	}
	f.open(t, 1, 0, p.path, p.contentType, more...)
	if p.body != "" {
		_, err := f.Write(frameOf(frameData, 0, 1, []byte(p.body)))
		must(t, err)
	}
	after, _ := f.closes(t, mostStuck, lives)
	return after
}

// stopHeads stops within what comes before a request.
func stopHeads(t *testing.T, address string, secure *tls.Config) time.Duration {
	longest := new(figure)
	var all sync.WaitGroup
	for _, head := range []string{"", "P", "POST / HTTP/1.1\r\nHost: a\r\n", "PRI * HTTP/2.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"} {
		all.Go(func() {
			w := newWire(t, address, secure)
			w.say(t, head)
			if secure == nil || !strings.HasPrefix(head, "PRI") {
				longest.is(w.closes(t, "head"))
			}
		})
		all.Go(func() { // the handshake of TLS, or nothing
			conn, err := net.Dial("tcp", address)
			must(t, err)
			defer conn.Close()
			w := &wire{Conn: conn, in: nil}
			w.in = bufio.NewReader(conn)
			longest.is(w.closes(t, "head"))
		})
	}
	for _, cut := range [][]byte{
		frameOf(frameHeaders, 0, 1, headersOf(echoPath, "application/json")),               // CONTINUATION is to come
		frameOf(frameHeaders, endHeaders, 1, headersOf(echoPath, "application/json"))[:20], // the rest of the frame
		{0, 0x40, 0, frameData},
	} {
		all.Go(func() {
			f := newFrames(t, address, secure)
			_, err := f.Write(cut)
			must(t, err)
			after, _ := f.closes(t, mostStuck, false)
			longest.is(after)
		})
	}
	all.Wait()
	return longest.most
}

// A client that takes no byte of an answer does not keep it.
func TestStuck_Readers(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	a.hostEcho(t, "test")
	longest := new(figure)
	large := `{"padding":2000000}`
	var all sync.WaitGroup
	all.Go(func() {
		conn, err := net.Dial("tcp", a.Address)
		must(t, err)
		defer conn.Close()
		must(t, conn.(*net.TCPConn).SetReadBuffer(4096))
		for range 8 { // more than all buffers on the way hold
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", echoPath, len(large), large)
		}
		longest.is(stopsWriting(t, conn))
	})
	for _, lives := range []bool{false, true} {
		for _, window := range []uint32{0, 1000, 65535} {
			for _, body := range []string{large, "{}"} {
				if body == "{}" && window > 0 { // which is an answer that has gone
					continue
				}
				all.Go(func() {
					f := newFrames(t, a.Address, nil, 4, window)
					f.open(t, 1, 0, echoPath, "application/json")
					_, err := f.Write(frameOf(frameData, endStream, 1, []byte(body)))
					must(t, err)
					after, _ := f.closes(t, mostStuck, lives)
					longest.is(after)
				})
			}
		}
	}
	all.Wait()
	t.Logf("ATTACK stuck_readers %.1f s", longest.most.Seconds())
}

// stopsWriting waits until the other end of a connection that is not read is closed: a write fails then.
func stopsWriting(t *testing.T, conn net.Conn) time.Duration {
	t.Helper()
	at := time.Now()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for time.Since(at) < mostStuck {
		<-tick.C
		if _, err := conn.Write([]byte("G")); err != nil {
			return time.Since(at)
		}
	}
	t.Errorf("the connection is open after %v", mostStuck)
	return mostStuck
}

// A request that drips is one that has stopped.
func TestStuck_Drips(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	a.hostEcho(t, "test")
	longest := new(figure)
	drip := func(t *testing.T, conn net.Conn, drop func() []byte) {
		t.Helper()
		begin := time.Now()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		closed := make(chan struct{})
		go func() { _, _ = io.Copy(io.Discard, conn); close(closed) }()
		for time.Since(begin) < mostStuck {
			_, _ = conn.Write(drop())
			select {
			case <-closed:
				longest.is(time.Since(begin))
				return
			case <-tick.C:
			}
		}
		t.Errorf("the connection is open after %v", mostStuck)
	}
	var all sync.WaitGroup
	all.Go(func() {
		drip(t, newWire(t, a.Address, nil), func() []byte { return []byte("P") })
	})
	all.Go(func() {
		w := newWire(t, a.Address, nil)
		w.begin(t, echoPath, "application/json", "Content-Length: 1000")
		drip(t, w, func() []byte { return []byte(" ") })
	})
	all.Go(func() {
		f := newFrames(t, a.Address, nil)
		f.open(t, 1, 0, echoPath, "application/json")
		drip(t, f, func() []byte { return frameOf(frameData, 0, 1, []byte(" ")) })
	})
	all.Go(func() {
		f := newFrames(t, a.Address, nil)
		f.open(t, 1, 0, echoPath, "application/json")
		_, err := f.Write(frameOf(frameData, 0, 1, bytes.Repeat([]byte(" "), 1000))[:20])
		must(t, err)
		drip(t, f, func() []byte { return []byte(" ") })
	})
	all.Wait()
	t.Logf("ATTACK stuck_drips %.1f s", longest.most.Seconds())
}
