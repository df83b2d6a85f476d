package dispatcher_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// diary is what interceptors saw, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() { d.lines = nil }()
	return slices.Clone(d.lines)
}

func (d *diary) server(name string) connect.ServerInterceptor {
	return func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			if spec.Procedure == testingv1connect.EchoServiceEchoProcedure {
				d.write(name + " in")
				defer d.write(name + " out")
			}
			return next(ctx, spec, stream)
		}
	}
}

func (d *diary) client(name string) connect.ClientInterceptor {
	return func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			if spec.Procedure == testingv1connect.EchoServiceEchoProcedure {
				d.write(name)
			}
			return next(ctx, spec)
		}
	}
}

// A call meets the server interceptors once where it enters and once where it runs, and the client interceptors once for
// each peer that is asked, the first ones outermost. One that runs where it enters meets them once.
func TestInterceptors_OnceInOrder(t *testing.T) {
	t.Parallel()
	d := new(diary)
	options := func(id string) []dispatcher.Option {
		return []dispatcher.Option{
			dispatcher.WithServerInterceptors(d.server(id+" server 1"), d.server(id+" server 2")), dispatcher.WithServerInterceptors(d.server(id + " server 3")),
			dispatcher.WithClientInterceptors(d.client(id+" client 1"), d.client(id+" client 2")),
		}
	}
	a, b := serve(t, "a", []string{"test"}, options("a")...), serve(t, "b", []string{"test"}, options("b")...)
	b.hostEcho(t, "test")
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
	in := func(id string) []string {
		return []string{id + " server 1 in", id + " server 2 in", id + " server 3 in"}
	}
	out := func(id string) []string {
		return []string{id + " server 3 out", id + " server 2 out", id + " server 1 out"}
	}
	client := []string{"a client 1", "a client 2"}
	for name, opts := range protocols {
		for what, tt := range map[string]struct {
			at   testingv1connect.EchoServiceClient
			want []string
		}{
			"routed":             {a.client(t, opts...), slices.Concat(in("a"), client, in("b"), out("b"), out("a"))},
			"where it enters":    {b.client(t, opts...), slices.Concat(in("b"), out("b"))},
			"in process, routed": {a.mesh("test"), slices.Concat(client, in("b"), out("b"))},
			"in process":         {b.mesh("test"), slices.Concat(in("b"), out("b"))},
		} {
			if _, err := tt.at.Echo(t.Context(), &testingv1.EchoRequest{Text: "hi"}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, d.read()); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, what, diff)
			}
		}
	}
}

// fragile panics in one place.
type fragile struct{ where string }

func (f fragile) panicIn(place string) {
	if f.where == place {
		panic("the secret of " + place)
	}
}

func (f fragile) server(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		f.panicIn("server interceptor")
		return next(ctx, spec, fragileServerStream{stream, f})
	}
}

func (f fragile) client(next connect.ClientFunc) connect.ClientFunc {
	return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
		f.panicIn("client interceptor")
		stream, err := next(ctx, spec)
		return fragileClientStream{stream, f}, err
	}
}

func (f fragile) ValidateServiceMethod(context.Context, string, string, string) error {
	f.panicIn("validator")
	return nil
}

type fragileServerStream struct {
	connect.ServerStream
	fragile
}

func (s fragileServerStream) Receive(msg any) error {
	s.panicIn("receiving a request")
	return s.ServerStream.Receive(msg)
}

func (s fragileServerStream) Send(msg any) error {
	s.panicIn("sending an answer")
	return s.ServerStream.Send(msg)
}

type fragileClientStream struct {
	connect.ClientStream
	fragile
}

func (s fragileClientStream) Send(msg any) error {
	s.panicIn("sending a request")
	return s.ClientStream.Send(msg)
}

func (s fragileClientStream) Receive(msg any) error {
	s.panicIn("receiving an answer")
	return s.ClientStream.Receive(msg)
}

// Whatever of the code of others panics, where the call enters and where it runs: the caller is told internal and no
// secret, and both collectors and their link go on.
func TestInterceptors_Panics(t *testing.T) {
	t.Parallel()
	for _, where := range []string{
		"server interceptor", "client interceptor", "validator", "receiving a request", "sending an answer", "sending a request", "receiving an answer",
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			weak := fragile{where}
			opts := []dispatcher.Option{
				dispatcher.WithServerInterceptors(weak.server), dispatcher.WithClientInterceptors(weak.client), dispatcher.WithRegistry(weak),
			}
			a, b := serve(t, "a", []string{"test"}, opts...), serve(t, "b", []string{"test"})
			a.hostEcho(t, "test")
			b.hostEcho(t, "test")
			join(t, a, b)
			a.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
			b.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
			failed := 0
			for _, target := range []string{"a", "b"} {
				for name, client := range map[string]testingv1connect.EchoServiceClient{
					"connect": a.client(t), "grpc": a.client(t, connecthttp.WithGRPC()), "grpcweb": a.client(t, connecthttp.WithGRPCWeb()), "over the link": b.mesh("test"), "in process": a.mesh("test"),
				} {
					if name == "in process" && target == "b" {
						continue // client interceptors run in the hands of the caller
					}
					for kind, err := range callAll(t, client, target) {
						if err == nil {
							continue
						}
						failed++
						if connect.CodeOf(err) != connect.CodeInternal || strings.Contains(err.Error(), "secret") {
							t.Errorf("%s to %s, %s: %v", name, target, kind, err)
						}
					}
				}
			}
			if failed == 0 {
				t.Error("nothing panicked")
			}
			for _, n := range []node{a, b} { // they still run, and so does the link
				if p, ok := n.Connections().Table().Peer(map[string]string{"a": "b", "b": "a"}[n.ID()]); !ok || !p.Routable() {
					t.Errorf("the link of %s is gone", n.ID())
				}
			}
			if _, err := b.mesh("test").Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
				t.Errorf("b: %v", err)
			}
		})
	}
}

// callAll calls each kind of method on a target and returns how they end.
func callAll(t *testing.T, client testingv1connect.EchoServiceClient, target string) map[string]error {
	t.Helper()
	ended := make(map[string]error)
	begin := func() context.Context {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("Collective-Target", target)
		return ctx
	}
	_, ended["unary"] = client.Echo(begin(), &testingv1.EchoRequest{})
	ended["client stream"] = func() error {
		stream, err := client.Collect(begin())
		if err != nil {
			return err
		}
		_ = stream.Send(&testingv1.CollectRequest{Number: 1})
		_, err = stream.CloseAndReceive()
		return err
	}()
	ended["server stream"] = func() error {
		stream, err := client.Count(begin(), &testingv1.CountRequest{Limit: 1})
		if err != nil {
			return err
		}
		defer stream.Close()
		_, err = stream.Receive()
		return err
	}()
	ended["both ways"] = func() error {
		stream, err := client.Converse(begin())
		if err != nil {
			return err
		}
		defer stream.Close()
		_ = stream.Send(&testingv1.ConverseRequest{Text: "x"})
		_, err = stream.Receive()
		return err
	}()
	return ended
}
