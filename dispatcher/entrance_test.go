package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

var quiet = dispatcher.WithLogger(slog.New(slog.DiscardHandler))

// dial makes a client that ends with the test.
func dial(t testing.TB, address string, namespaces ...string) *dispatcher.Client {
	t.Helper()
	client, err := dispatcher.Dial(t.Context(), address, namespaces, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// echoOf calls the test service through a client.
func echoOf(client *dispatcher.Client, namespace string) testingv1connect.EchoServiceClient {
	return testingv1connect.NewEchoServiceClient(connect.NewClient(client.Transport(namespace)))
}

// entrancePair is a collector that hosts nothing, and its peer that hosts the test service.
func entrancePair(t testing.TB) (a, b node) {
	t.Helper()
	a, b = serve(t, "a", []string{"test", "own"}), serve(t, "b", []string{"test"})
	b.hostEcho(t, "test")
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
	return a, b
}

// What a client dials takes its calls to whoever serves them, over either carrier.
func TestDial_IsAnEntrance(t *testing.T) {
	t.Parallel()
	a, _ := entrancePair(t)
	for name, address := range map[string]string{"link": a.Address, "carried by HTTP/2": behindHTTP2(t, a.Address)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, address, "test")
			for _, namespace := range []string{"test", ""} {
				exerciseStreams(t, echoOf(client, namespace), "b")
			}
			ctx, info := connect.NewClientContext(t.Context())
			info.RequestHeader().Set("Collective-Target", "b")
			if res, err := echoOf(client, "test").Echo(ctx, &testingv1.EchoRequest{Text: "x"}); err != nil || res.GetText() != "x on b" {
				t.Errorf("with a target: %v, %v", res, err)
			}
			route, ok := dispatcher.RouteInfoForContext(ctx)
			if !ok || route.Executor != "b" || len(route.Route) != 3 || strings.Join(route.Route[1:], ",") != "a,b" {
				t.Errorf("the call went %+v", route)
			}
		})
	}
}

// A handler on the second hop has its verdict while the client is still sending: the client hears it at once.
func TestDial_VerdictBeforeTheEndOfTheRequest(t *testing.T) {
	t.Parallel()
	a, _ := entrancePair(t)
	client := echoOf(dial(t, a.Address, "test"), "test")
	talk, err := client.Converse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer talk.Close()
	if err := talk.Send(&testingv1.ConverseRequest{Text: "stop"}); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Receive(); connect.CodeOf(err) != connect.CodeAborted {
		t.Errorf("Converse ends with %v", err)
	}
	collect, err := client.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for err = collect.Send(&testingv1.CollectRequest{Number: -1}); err == nil; {
		err = collect.Send(&testingv1.CollectRequest{})
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("Send after the end: %v", err)
	}
	if _, err := collect.CloseAndReceive(); connect.CodeOf(err) != connect.CodeOutOfRange {
		t.Errorf("Collect ends with %v", err)
	}
}

func TestDial_ErrorsAreThoseOfTheHandlerAndTheEntrance(t *testing.T) {
	t.Parallel()
	a, _ := entrancePair(t)
	dialled := dial(t, a.Address, "test", "nowhere")
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("X-Echo", "hello")
	_, err := echoOf(dialled, "test").Fail(ctx, &testingv1.FailRequest{Code: int32(connect.CodeDataLoss), Message: "gone", Detail: "what"})
	failed, ok := errors.AsType[*connect.Error](err)
	if !ok || failed.Code() != connect.CodeDataLoss || failed.Message() != "gone" || len(failed.Details()) != 1 {
		t.Errorf("Fail: %v", err)
	}
	checkMetadata(t, info, "Fail")

	call := func(namespace, target, procedure string) error {
		ctx, info := connect.NewClientContext(t.Context())
		if target != "" {
			info.RequestHeader().Set("Collective-Target", target)
		}
		spec := connect.Spec{Procedure: procedure}
		stream, err := dialled.Transport(namespace).NewClientStream(ctx, spec)
		if err != nil {
			return err
		}
		defer stream.Close()
		if err := stream.Send(&testingv1.EchoRequest{}); err != nil {
			return err
		}
		return stream.Receive(new(testingv1.EchoResponse))
	}
	const echo = testingv1connect.EchoServiceEchoProcedure
	for name, c := range map[string]struct {
		err    error
		code   connect.Code
		reason string
		says   string
	}{
		"a method that nobody has":    {call("test", "", strings.Replace(echo, "/Echo", "/Ecko", 1)), connect.CodeUnimplemented, "method_unknown", `near: Echo`},
		"in no namespace":             {call("", "", "/x.Y/Z"), connect.CodeUnimplemented, "method_unknown", `collector "a"`},
		"a namespace that it has not": {call("nowhere", "", echo), connect.CodeNotFound, "namespace_unknown", `collector "a" has no namespace "nowhere"`},
		"a target that it has not":    {call("test", "z", echo), connect.CodeNotFound, "target_unknown", `collector "a"`},
		"a target that serves it not": {call("test", "a", echo), connect.CodeUnimplemented, "target_not_serving", `collector "a"`},
		"a stream of another kind":    {call("test", "", testingv1connect.EchoServiceCountProcedure), connect.CodeUnimplemented, "method_unknown", "server"},
		"a namespace not dialled for": {call("own", "", echo), connect.CodeNotFound, "namespace_unknown", `no namespace "own"`},
		"a service of the collector":  {call("", "", "/collector.CollectiveDispatcher/Connect"), connect.CodeUnimplemented, "method_unknown", "no namespace"},
	} {
		if connect.CodeOf(c.err) != c.code || !strings.Contains(fmt.Sprint(c.err), c.says) || callFailure(t, c.err).GetReason() != c.reason {
			t.Errorf("%s: %v, want %v, %s", name, c.err, c.code, c.says)
		}
	}
}

func TestDial_DeadlineAndCancelReachTheSecondHop(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	started, ended := make(chan struct{}, 1), make(chan error, 1)
	err := b.RegisterDynamic("test", echoService(), func(ctx context.Context, _ connect.Spec, _ connect.ServerStream) error {
		started <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
	client := echoOf(dial(t, a.Address, "test"), "test")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := client.Echo(ctx, &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
		t.Errorf("the deadline: %v", err)
	}
	<-started
	waitEnded(t, b, "unary", ended)
	ctx, cancel = context.WithCancel(t.Context())
	stream, err := client.Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendHeaders(); err != nil {
		t.Fatal(err)
	}
	<-started
	cancel()
	waitEnded(t, b, "stream", ended)
	if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeCanceled {
		t.Errorf("the stream ends with %v", err)
	}
}

// While whoever serves the method, or the entrance, is away, no error is final.
func TestDial_IsTransientWhileLinksAreDown(t *testing.T) {
	t.Parallel()
	a, b := entrancePair(t)
	dialled := dial(t, a.Address, "test")
	client := echoOf(dialled, "test")
	again := func(address, id string, prepare func(*dispatcher.Dispatcher) error) {
		t.Helper()
		c, err := meshtest.StartAt(address, id, []string{"test"}, prepare)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Stop() })
		for {
			res, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: "back"})
			if err == nil {
				if !strings.HasPrefix(res.GetText(), "back on ") {
					t.Errorf("answer %v", res)
				}
				return
			}
			if connect.CodeOf(err) != connect.CodeUnavailable {
				t.Fatalf("while %s is away: %v", id, err)
			}
		}
	}
	host := func(d *dispatcher.Dispatcher) error {
		return d.Register("test", func(s *connect.Server) {
			testingv1connect.RegisterEchoServiceHandler(s, meshtest.EchoService(d.ID()))
		})
	}
	if err := b.Kill(); err != nil {
		t.Fatal(err)
	}
	again(b.Address, "b", host)
	if err := a.Kill(); err != nil {
		t.Fatal(err)
	}
	again(a.Address, "a", host)
}

func TestDial_KillOfTheSecondHop(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	started := make(chan string, 1)
	err := b.Register("test", func(s *connect.Server) {
		testingv1connect.RegisterEchoServiceHandler(s, blocking{started: started, on: "b"})
	})
	if err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
	client, ended := echoOf(dial(t, a.Address, "test"), "test"), make(chan error, 1)
	go func() {
		_, err := client.Echo(t.Context(), &testingv1.EchoRequest{})
		ended <- err
	}()
	<-started
	b.Connections().Close()
	err = <-ended
	failure := callFailure(t, err)
	if connect.CodeOf(err) != connect.CodeUnavailable || failure.GetReason() != "link_lost" || !failure.GetMaybeExecuted() ||
		!slices.Equal(failure.GetRoute(), []string{"a", "b"}) {
		t.Errorf("err = %v, %v", err, failure)
	}
}

// 1 500 clients come and go: nothing is left of them, and no real peer is forgotten for them.
func TestDial_LeavesNothingBehind(t *testing.T) {
	t.Parallel()
	a, _ := entrancePair(t)
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			for range 250 {
				client, err := dispatcher.Dial(t.Context(), a.Address, []string{"test"}, quiet)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := echoOf(client, "test").Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
					t.Error(err)
				}
				if err := client.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	wantOnlyB(t, a)
	collectors, err := a.status(t).ListCollectors(t.Context(), &meshv1.ListCollectorsRequest{})
	if err != nil || len(collectors.GetCollectors()) != 2 {
		t.Errorf("in the mesh are %v, %v", collectors, err)
	}
}

// wantOnlyB checks that b is all that a collector knows, and that nothing is wrong.
func wantOnlyB(t *testing.T, a node) {
	t.Helper()
	status, err := a.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{})
	if err != nil || len(status.GetWarnings()) != 0 || len(status.GetPeers()) != 1 || status.GetPeers()[0].GetCollectorId() != "b" {
		t.Errorf("the status is %v, %v", status, err)
	}
	records := a.Connections().ListConnections()
	if len(records) != 1 || records[0].GetId() != conn.ConnectionID("a", "b") {
		t.Errorf("recorded are %v", records)
	}
}

// A client is on record nowhere while it is there, and its calls are told like those of any client.
func TestDial_IsNoPeer(t *testing.T) {
	t.Parallel()
	a, b := entrancePair(t)
	client := dial(t, a.Address, "test")
	for _, text := range []string{"one", "two"} {
		if _, err := echoOf(client, "test").Echo(t.Context(), &testingv1.EchoRequest{Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	wantOnlyB(t, a)
	if up := a.Connections().ListActiveConnections(); len(up) != 1 {
		t.Errorf("up are %d connections", len(up))
	}
	for _, n := range []node{a, b} {
		seen, err := n.status(t).ListDispatches(t.Context(), &meshv1.ListDispatchesRequest{})
		if err != nil || len(seen.GetDispatches()) != 2 {
			t.Fatalf("%s saw %v, %v", n.ID(), seen, err)
		}
		for _, d := range seen.GetDispatches() {
			if d.GetEntrance() != "link" || d.GetSourceCollectorId() != "a" || d.GetExecutorCollectorId() != "b" || strings.Join(d.GetRoute(), ",") != "a,b" {
				t.Errorf("%s saw %v", n.ID(), d)
			}
		}
	}
}

// Clients are bounded with the links, and a slot is free again when one has closed.
func TestDial_CountsAsALink(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"}, dispatcher.WithConn(conn.WithLimits(conn.Limits{Links: 1})))
	first := dial(t, a.Address, "test")
	if second, err := dispatcher.Dial(t.Context(), a.Address, []string{"test"}, quiet); err == nil {
		_ = second.Close()
		t.Error("two links where one is allowed")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		third, err := dispatcher.Dial(ctx, a.Address, []string{"test"}, quiet)
		if err == nil {
			_ = third.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// The headers of a call go as from any client: what is the mesh's is not shown to handlers, the rest is.
func TestDial_Headers(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	got := make(chan *connect.Header, 1)
	err := a.RegisterDynamic("test", echoService(), func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		info, _ := connect.CallInfoForServerContext(ctx)
		got <- info.RequestHeader()
		return stream.Receive(new(testingv1.EchoRequest))
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, info := connect.NewClientContext(t.Context())
	for name, value := range map[string]string{
		"Cookie": "c=1", "Authorization": "Bearer x", "X-Mine": "m", "Collective-Target": "a", "Collective-Executor": "forged",
	} {
		info.RequestHeader().Set(name, value)
	}
	_, _ = echoOf(dial(t, a.Address, "test"), "test").Echo(ctx, &testingv1.EchoRequest{})
	header := <-got
	for name, want := range map[string]string{
		"Cookie": "c=1", "Authorization": "Bearer x", "X-Mine": "m", "Collective-Target": "", "Collective-Executor": "",
	} {
		if header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, header.Get(name), want)
		}
	}
}
