package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/internal/status"
	"github.com/collectiverpc/collective/store"
)

const echoProcedure = testingv1connect.EchoServiceEchoProcedure

// hammer calls one method all the time, by every entrance of a collector, and keeps every answer that says more than that
// the method is away for now.
type hammer struct {
	mu    sync.Mutex
	final []string
	ok    map[string]int
	away  map[string]int
	heard chan struct{} // closed with the next answer of a handler
	calls sync.WaitGroup
	stop  context.CancelFunc
}

// strike begins to call the collector at an address, and present's in this process.
func strike(t *testing.T, address string, present func() *dispatcher.Dispatcher) *hammer {
	t.Helper()
	h := &hammer{ok: make(map[string]int), away: make(map[string]int), heard: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	h.stop = stop
	for name, opts := range protocols {
		transport := connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+address, opts...)
		h.repeat(ctx, name, echoOver(transport))
	}
	h.repeat(ctx, "dispatch", dispatchOver(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+address)))
	h.repeat(ctx, "process", func(ctx context.Context) error {
		return echoOver(present().Transport("ns"))(ctx)
	})
	t.Cleanup(func() { h.end() })
	return h
}

func echoOver(transport connect.Transport) func(context.Context) error {
	client := testingv1connect.NewEchoServiceClient(connect.NewClient(transport))
	return func(ctx context.Context) error {
		_, err := client.Echo(ctx, &testingv1.EchoRequest{Text: "x"})
		return err
	}
}

// dispatchOver makes the error of a Status, which is remote as the envelope was.
func dispatchOver(transport connect.Transport) func(context.Context) error {
	client := collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(transport))
	return func(ctx context.Context) error {
		input, err := anypb.New(&testingv1.EchoRequest{Text: "x"})
		if err != nil {
			return err
		}
		res, err := client.Dispatch(ctx, &collector.DispatchRequest{
			Namespace: "ns", Service: &collector.ServiceTypeRef{ServiceName: "EchoService"}, MethodName: "Echo", Input: input,
		})
		if err != nil {
			return err
		}
		return status.Err(res.GetStatus())
	}
}

func (h *hammer) repeat(ctx context.Context, entrance string, do func(context.Context) error) {
	h.calls.Go(func() {
		pace := time.NewTicker(2 * time.Millisecond) // leaves something to the tests beside this one
		defer pace.Stop()
		for ctx.Err() == nil {
			if err := do(ctx); ctx.Err() == nil {
				h.note(entrance, err)
			}
			<-pace.C
		}
	})
}

func (h *hammer) note(entrance string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	verdict, ok := errors.AsType[*connect.Error](err)
	switch {
	case err == nil:
		h.ok[entrance]++
		close(h.heard)
		h.heard = make(chan struct{})
	case ok && entrance != "process" && !verdict.IsRemote():
		// nobody answered at the address
	case ok && verdict.Code() == connect.CodeUnavailable && (entrance == "dispatch" || failureIn(verdict) != nil):
		h.away[entrance]++
	default:
		h.final = append(h.final, fmt.Sprintf("%s: %v, %v", entrance, err, failureIn(verdict)))
	}
}

func failureIn(err *connect.Error) *meshv1.CallFailure {
	for _, detail := range err.Details() {
		if message, err := connectproto.UnmarshalErrorDetail(detail); err == nil {
			if failure, ok := message.(*meshv1.CallFailure); ok {
				return failure
			}
		}
	}
	return nil
}

// entrances are those that are hammered.
func entrances() []string {
	return append(slices.Collect(maps.Keys(protocols)), "dispatch", "process")
}

// answered waits until a handler has answered once more at every entrance.
func (h *hammer) answered(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	before := maps.Clone(h.ok)
	h.mu.Unlock()
	patience := time.After(patience)
	for {
		h.mu.Lock()
		heard := h.heard
		missing := slices.DeleteFunc(entrances(), func(e string) bool { return h.ok[e] > before[e] })
		h.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		select {
		case <-heard:
		case <-patience:
			t.Fatalf("no answer by way of %v", missing)
		}
	}
}

func (h *hammer) end() {
	h.stop()
	h.calls.Wait()
}

// verdict fails the test for every answer that was final.
func (h *hammer) verdict(t *testing.T) {
	t.Helper()
	h.end()
	for i, text := range h.final {
		if i < 5 {
			t.Error(text)
		}
	}
	t.Logf("%d final, answered %v, away %v", len(h.final), h.ok, h.away)
	if len(h.final) > 0 {
		t.Errorf("%d final answers, want none", len(h.final))
	}
}

// startEcho starts a collector at an address that hosts the test service.
func startEcho(t *testing.T, address, id string) *meshtest.Collector {
	t.Helper()
	c, err := meshtest.StartAt(address, id, []string{"ns"}, func(d *dispatcher.Dispatcher) error {
		return d.Register("ns", func(s *connect.Server) {
			testingv1connect.RegisterEchoServiceHandler(s, meshtest.EchoService(id))
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The only server of a method goes and comes back, however it goes. Its method is away meanwhile and nothing else: not
// unknown for a moment, between the link and the catalog, at the goodbye, or while it is gone.
func TestTransient_TheOnlyServerIsAway(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(*meshtest.Collector) error{
		"killed": (*meshtest.Collector).Kill, "stopped": (*meshtest.Collector).Stop,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			a := serve(t, "a", []string{"ns"})
			b := startEcho(t, "127.0.0.1:0", "b")
			defer func() { must(t, b.Stop()) }()
			must(t, meshtest.Join(t.Context(), a.Dispatcher, b.Address, "ns", echoProcedure))
			h := strike(t, a.Address, func() *dispatcher.Dispatcher { return a.Dispatcher })
			for range 10 {
				must(t, end(b))
				a.waitFor(t, "the end of b", func() bool { return len(a.Connections().Table().Serving("ns", echoProcedure)) == 0 })
				b = startEcho(t, b.Address, "b")
				h.answered(t)
			}
			h.verdict(t)
			for _, entrance := range entrances() {
				if h.away[entrance] == 0 {
					t.Errorf("%s: no call came while the server was away", entrance)
				}
			}
		})
	}
}

// asked is a collector that is asked and restarted. Its connections are in a file.
type asked struct {
	*meshtest.Collector
	path string
	file *store.Store
}

func (a *asked) start(t *testing.T, address string, resume func(*dispatcher.Dispatcher) error) {
	t.Helper()
	file, err := store.Open(a.path)
	must(t, err)
	c, err := meshtest.StartAt(address, "a", []string{"ns"}, resume, dispatcher.WithStore(file))
	must(t, err)
	a.Collector, a.file = c, file
}

func (a *asked) end(t *testing.T, end func(*meshtest.Collector) error) {
	t.Helper()
	must(t, end(a.Collector))
	must(t, a.file.Close())
}

// The asked collector restarts. Whoever dialled whom before, it says of nothing that it is unknown before it knows.
func TestTransient_TheAskedCollectorRestarts(t *testing.T) {
	t.Parallel()
	resume := func(d *dispatcher.Dispatcher) error { return d.Resume(context.Background(), nil) }
	for name, dials := range map[string]bool{"it had dialled": true, "it was dialled": false} {
		for how, end := range map[string]func(*meshtest.Collector) error{
			"killed": (*meshtest.Collector).Kill, "stopped": (*meshtest.Collector).Stop,
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				b := startEcho(t, "127.0.0.1:0", "b")
				defer func() { must(t, b.Stop()) }()
				a := &asked{path: filepath.Join(t.TempDir(), "a.db")}
				a.start(t, "127.0.0.1:0", resume)
				defer func() { a.end(t, end) }()
				if dials {
					must(t, meshtest.Connect(t.Context(), a.Dispatcher, b.Address))
				} else {
					must(t, meshtest.Connect(t.Context(), b.Dispatcher, a.Address))
				}
				must(t, meshtest.AwaitServed(t.Context(), a.Dispatcher, "ns", echoProcedure))
				var mu sync.Mutex
				present := a.Dispatcher
				h := strike(t, a.Address, func() *dispatcher.Dispatcher {
					mu.Lock()
					defer mu.Unlock()
					return present
				})
				rounds := 10
				if !dials {
					rounds = 3 // each takes the second that b waits before it dials
				}
				for range rounds {
					a.end(t, end)
					a.start(t, a.Address, resume)
					mu.Lock()
					present = a.Dispatcher
					mu.Unlock()
					h.answered(t)
				}
				h.verdict(t)
			})
		}
	}
}

// A collector that remembers nothing and joins another when it starts lets calls wait for that, within bounds.
func TestTransient_CallsWaitForTheJoin(t *testing.T) {
	t.Parallel()
	b := startEcho(t, "127.0.0.1:0", "b")
	defer func() { must(t, b.Stop()) }()
	joined := make(chan struct{})
	a, err := meshtest.StartAt("127.0.0.1:0", "a", []string{"ns"}, func(d *dispatcher.Dispatcher) error { return d.Resume(t.Context(), joined) })
	must(t, err)
	defer func() { must(t, a.Stop()) }()
	answers := make(chan error)
	for _, opts := range protocols {
		go func() {
			answers <- echoOver(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+a.Address, opts...))(t.Context())
		}()
	}
	go func() { answers <- echoOver(a.Transport("ns"))(t.Context()) }()
	go func() {
		answers <- dispatchOver(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+a.Address))(t.Context())
	}()
	must(t, meshtest.Connect(t.Context(), a.Dispatcher, b.Address))
	close(joined)
	for range len(protocols) + 2 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}

// A peer that does not come back holds calls for no longer than the limit; then they are told that it is away.
func TestTransient_TheWaitIsBounded(t *testing.T) {
	t.Parallel()
	b := startEcho(t, "127.0.0.1:0", "b")
	a := &asked{path: filepath.Join(t.TempDir(), "a.db")}
	resume := func(d *dispatcher.Dispatcher) error { return d.Resume(context.Background(), nil) }
	a.start(t, "127.0.0.1:0", resume)
	must(t, meshtest.Join(t.Context(), a.Dispatcher, b.Address, "ns", echoProcedure))
	a.end(t, (*meshtest.Collector).Stop)
	must(t, b.Stop())
	a.start(t, a.Address, resume)
	defer func() { a.end(t, (*meshtest.Collector).Stop) }()
	err := echoOver(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+a.Address))(t.Context())
	verdict, ok := errors.AsType[*connect.Error](err)
	if !ok || verdict.Code() != connect.CodeUnavailable || failureIn(verdict).GetReason() != "unreachable" || failureIn(verdict).GetMaybeExecuted() {
		t.Errorf("%v, %v", err, failureIn(verdict))
	}
	res, err := http.Get("http://" + a.Address + echoProcedure)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a browser gets %s", res.Status)
	}
	if code, body := (node{a.Collector}).asked(t, "Check", `{"service":"`+string(echoName)+`"}`); code != http.StatusServiceUnavailable {
		t.Errorf("its health is asked: %d %s", code, body)
	}
}
