package dispatcher_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// served is a collector that a program serves as most do.
type served struct {
	*dispatcher.Dispatcher
	address string
	stop    context.CancelFunc
	stopped chan struct{}
	err     error // once stopped is closed
}

func serveAsProgram(t *testing.T, id string, opts ...dispatcher.Option) *served {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &served{address: listener.Addr().String(), stopped: make(chan struct{})}
	s.Dispatcher, err = dispatcher.New(id, s.address, []string{"test"}, append([]dispatcher.Option{dispatcher.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	must(t, err)
	var ctx context.Context
	ctx, s.stop = context.WithCancel(t.Context())
	go func() {
		defer close(s.stopped)
		s.err = s.ServeListener(ctx, listener, dispatcher.Serving{Socket: dispatcher.NoSocket, Grace: meshtest.Patience})
	}()
	t.Cleanup(func() {
		s.stop()
		<-s.stopped
	})
	return s
}

// eitherOf is a client of a service that runs at several addresses, and takes the first that answers.
func eitherOf(t *testing.T, grpc bool, addresses ...string) testingv1connect.EchoServiceClient {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	var dialer net.Dialer
	transport := &http.Transport{Protocols: protocols, DialContext: func(ctx context.Context, network, _ string) (conn net.Conn, err error) {
		for _, address := range addresses {
			if conn, err = dialer.DialContext(ctx, network, address); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	var opts []connecthttp.Option
	if grpc {
		opts = append(opts, connecthttp.WithGRPC())
	}
	return testingv1connect.NewEchoServiceClient(connect.NewClient(connecthttp.NewTransport(&http.Client{Transport: transport}, "http://collectors", opts...)))
}

// load is calls by several clients, one after the other each, until it is ended.
type load struct {
	begun  chan struct{} // closed when each client has had some answers
	ended  atomic.Bool
	group  sync.WaitGroup
	calls  atomic.Int64
	mu     sync.Mutex
	failed []error
}

func begin(ctx context.Context, clients ...testingv1connect.EchoServiceClient) *load {
	l := &load{begun: make(chan struct{})}
	const warm = 20
	var waiting atomic.Int64
	waiting.Store(int64(len(clients)))
	for _, client := range clients {
		l.group.Go(func() {
			for i := 0; !l.ended.Load(); i++ {
				if i == warm && waiting.Add(-1) == 0 {
					close(l.begun)
				}
				l.calls.Add(1)
				if _, err := client.Echo(ctx, &testingv1.EchoRequest{Text: "hi"}); err != nil {
					l.mu.Lock()
					l.failed = append(l.failed, err)
					l.mu.Unlock()
				}
			}
		})
	}
	return l
}

func (l *load) end(t *testing.T) {
	t.Helper()
	l.ended.Store(true)
	l.group.Wait()
	if len(l.failed) > 0 {
		t.Errorf("%d of %d calls failed, the first with: %v", len(l.failed), l.calls.Load(), l.failed[0])
	}
}

// gatedEcho answers "wait" when it is let.
type gatedEcho struct {
	meshtest.EchoService
	entered, gate chan struct{}
}

func (e gatedEcho) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	if req.GetText() == "wait" {
		e.entered <- struct{}{}
		select {
		case <-e.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return e.EchoService.Echo(ctx, req)
}

// Stopping the collector in front fails no call of clients that know another one: those that came in are answered over links
// that still stand, and the others go there. It stops as soon as the last call has its answer.
func TestStop_InFront(t *testing.T) {
	t.Parallel()
	host := meshtest.Serve(t, "host", []string{"test"})
	echo := gatedEcho{"host", make(chan struct{}, 1), make(chan struct{})}
	must(t, host.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, echo) }))
	front, other := serveAsProgram(t, "front"), serveAsProgram(t, "other")
	for _, s := range []*served{front, other} {
		must(t, meshtest.Join(t.Context(), s.Dispatcher, host.Address, "test", echoProcedure))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*meshtest.Patience)
	defer cancel()
	var clients []testingv1connect.EchoServiceClient
	for i := range 6 {
		clients = append(clients, eitherOf(t, i%2 == 0, front.address, other.address))
	}
	running := begin(ctx, clients...)
	slow := make(chan error, 1)
	go func() {
		_, err := eitherOf(t, true, front.address).Echo(ctx, &testingv1.EchoRequest{Text: "wait"})
		slow <- err
	}()
	<-echo.entered
	<-running.begun
	front.stop()
	<-dialRefused(ctx, front.address)
	select {
	case <-front.stopped:
		t.Error("the collector stopped before the call that it had accepted was answered")
	default:
	}
	let := time.Now()
	close(echo.gate)
	if err := <-slow; err != nil {
		t.Errorf("the call that ran when the collector was stopped: %v", err)
	}
	<-front.stopped
	if took := time.Since(let); took > time.Second || front.err != nil {
		t.Errorf("it stopped %v after the last call: %v", took, front.err)
	}
	running.end(t)
}

// A client of HTTP/1.1 that keeps its connections learns with an answer that they end, as long as the stop takes: a connection
// that is closed without a word may have a request on it, which the client must not send again.
func TestStop_KeptConnections(t *testing.T) {
	t.Parallel()
	front := serveAsProgram(t, "front")
	echo := gatedEcho{"front", make(chan struct{}, 1), make(chan struct{})}
	must(t, front.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, echo) }))
	ctx, cancel := context.WithTimeout(t.Context(), 2*meshtest.Patience)
	defer cancel()
	slow := make(chan error, 1)
	go func() {
		_, err := eitherOf(t, true, front.address).Echo(ctx, &testingv1.EchoRequest{Text: "wait"})
		slow <- err
	}()
	<-echo.entered
	var kept [3]*keptConnection
	for i := range kept {
		kept[i] = keepConnection(t, front.address)
		if told := kept[i].echo(t); told {
			t.Fatal("a collector that runs sends its clients away")
		}
	}
	front.stop()
	<-dialRefused(ctx, front.address)
	for i, pause := range []time.Duration{0, 150 * time.Millisecond, 500 * time.Millisecond} {
		<-time.After(pause)
		if told := kept[i].echo(t); !told {
			t.Errorf("the answer to a request %v after the last does not say that the connection ends", pause)
		}
	}
	let := time.Now()
	close(echo.gate)
	if err := <-slow; err != nil {
		t.Errorf("the call that ran when the collector was stopped: %v", err)
	}
	<-front.stopped
	if took := time.Since(let); took > time.Second || front.err != nil {
		t.Errorf("it stopped %v after the last call: %v", took, front.err)
	}
}

// A collector without clients stops at once, and one with a client that keeps a connection and asks nothing soon.
func TestStop_Idle(t *testing.T) {
	t.Parallel()
	for _, clients := range []int{0, 1} {
		front := serveAsProgram(t, "front")
		must(t, front.Register("test", func(s *connect.Server) {
			testingv1connect.RegisterEchoServiceHandler(s, meshtest.EchoService("front"))
		}))
		for range clients {
			keepConnection(t, front.address).echo(t)
		}
		began := time.Now()
		front.stop()
		<-front.stopped
		if took := time.Since(began); took > time.Second || front.err != nil {
			t.Errorf("with %d clients it took %v: %v", clients, took, front.err)
		}
	}
}

// keptConnection is a connection of HTTP/1.1 for one request after the other.
type keptConnection struct {
	net.Conn
	answers *bufio.Reader
}

func keepConnection(t *testing.T, address string) *keptConnection {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(meshtest.Patience)))
	return &keptConnection{conn, bufio.NewReader(conn)}
}

// echo is a call, and reports whether its answer says that the connection ends.
func (k *keptConnection) echo(t *testing.T) (ends bool) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://collector"+echoProcedure, strings.NewReader(`{"text":"hi"}`))
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	must(t, request.Write(k))
	answer, err := http.ReadResponse(k.answers, request)
	if err != nil {
		t.Fatalf("a request on a connection that was kept: %v", err)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	must(t, errors.Join(err, answer.Body.Close()))
	if answer.StatusCode != http.StatusOK {
		t.Errorf("a request on a connection that was kept is answered with %v", answer.Status)
	}
	return answer.Close
}

// Stopping one of two collectors that serve a method fails no call, and none of a service of which there is only one finds
// it to be unknown.
func TestStop_OfAHost(t *testing.T) {
	t.Parallel()
	front := meshtest.Serve(t, "front", []string{"test"})
	b, c := serveAsProgram(t, "b"), serveAsProgram(t, "c")
	for _, s := range []*served{b, c} {
		must(t, s.Register("test", func(server *connect.Server) {
			testingv1connect.RegisterEchoServiceHandler(server, meshtest.EchoService(s.ID()))
		}))
		must(t, meshtest.Join(t.Context(), front.Dispatcher, s.address, "test", echoProcedure))
	}
	must(t, b.RegisterService("test", "Alone", "Do", func(context.Context, any) (any, error) { return nil, nil }))
	must(t, meshtest.AwaitServed(t.Context(), front.Dispatcher, "test", "/Alone/Do"))
	ctx, cancel := context.WithTimeout(t.Context(), 2*meshtest.Patience)
	defer cancel()
	running := begin(ctx, eitherOf(t, true, front.Address), eitherOf(t, false, front.Address), eitherOf(t, true, front.Address))
	<-running.begun
	b.stop()
	<-b.stopped
	running.end(t)
	alone := connect.NewClient(front.Transport("test"))
	err := alone.CallUnary(ctx, connect.Spec{Procedure: "/Alone/Do"}, &testingv1.EchoRequest{}, &testingv1.EchoResponse{})
	if code := connect.CodeOf(err); code != connect.CodeUnavailable {
		t.Errorf("what only the stopped collector served: %v", err)
	}
}

// dialRefused is closed when nobody listens at an address any more.
func dialRefused(ctx context.Context, address string) <-chan struct{} {
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		var dialer net.Dialer
		for {
			conn, err := dialer.DialContext(ctx, "tcp", address)
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	return refused
}
