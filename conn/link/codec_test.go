package link_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// TestJSON calls typed handlers with a codec that the caller chose.
func TestJSON(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, text := range []string{"short", textOf(3000), textOf(100_000)} {
		stream := open(t, p.a, link.Call{Namespace: "test", Codec: "json", Spec: connect.Spec{Procedure: testingv1connect.EchoServiceEchoProcedure}})
		if err := stream.Send(&testingv1.EchoRequest{Text: text}); err != nil {
			t.Fatal(err)
		}
		var res testingv1.EchoResponse
		if err := stream.Receive(&res); err != nil || res.GetText() != text {
			t.Errorf("answer = %.40q, %v", res.GetText(), err)
		}
	}
}

func open(t testing.TB, l *link.Link, call link.Call) connect.ClientStream {
	t.Helper()
	stream, err := l.Open(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// TestRawToTyped sends bytes by hand to a typed handler.
func TestRawToTyped(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for codec, request := range map[string]string{"json": `{"text":"by hand"}`, "proto": "\x0a\x07by hand"} {
		stream := open(t, p.a, link.Call{Namespace: "test", Codec: codec, Spec: connect.Spec{Procedure: testingv1connect.EchoServiceEchoProcedure}})
		if err := stream.Send(&link.Raw{Data: []byte(request)}); err != nil {
			t.Fatal(err)
		}
		var res link.Raw
		if err := stream.Receive(&res); err != nil || !bytes.Contains(res.Data, []byte("by hand")) {
			t.Errorf("%s answer = %q, %v", codec, res.Data, err)
		}
	}
}

// rawEcho returns every message as it came, in whatever codec, and checks what the link says of the call.
func rawEcho(t *testing.T, codec string) link.Handler {
	return func(_ context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
		server, ok := info.TransportInfo.(*link.ServerInfo)
		if !ok || server.Namespace != "far" || server.Link == nil || info.Codec != codec || info.Protocol != "link" || info.PeerAddr != "a" ||
			procedure != "/any.Service/Method" || info.Spec.IdempotencyLevel != connect.IdempotencyNoSideEffects {
			t.Errorf("%s: %+v, %+v", procedure, info, server)
		}
		for {
			var msg link.Raw
			if err := stream.Receive(&msg); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			if err := stream.Send(&msg); err != nil {
				return err
			}
		}
	}
}

// TestRawBothEnds passes bytes through that neither end decodes, and wants every one of them to keep what it was given
// while more arrive.
func TestRawBothEnds(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"proto", "something else"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			cfg := config("b", echo{})
			cfg.Handler = rawEcho(t, codec)
			near, far := tcpPair(t)
			p := connected(t, near, far, config("a", echo{}), cfg)
			stream := open(t, p.a, link.Call{Namespace: "far", Codec: codec, Spec: connect.Spec{
				Procedure: "/any.Service/Method", StreamType: connect.StreamTypeBidi, IdempotencyLevel: connect.IdempotencyNoSideEffects,
			}})
			messages := rawMessages()
			go func() {
				for _, m := range messages {
					if err := stream.Send(&link.Raw{Data: m}); err != nil {
						t.Errorf("Send = %v", err)
					}
				}
				_ = stream.CloseSend()
			}()
			kept := make([]link.Raw, len(messages))
			for n := range messages {
				if err := stream.Receive(&kept[n]); err != nil {
					t.Fatalf("message %d = %v", n, err)
				}
			}
			if err := stream.Receive(&link.Raw{}); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
			for n, want := range messages {
				if !bytes.Equal(kept[n].Data, want) {
					t.Fatalf("message %d of %d bytes came as %d bytes, or others", n, len(want), len(kept[n].Data))
				}
			}
		})
	}
}

// rawMessages are messages of all sizes, each with its own bytes.
func rawMessages() [][]byte {
	var messages [][]byte
	for n := range 400 {
		size := rand.IntN(300)
		if n%20 == 0 {
			size = rand.IntN(300_000)
		}
		if n%30 == 0 {
			size = 0
		}
		messages = append(messages, bytes.Repeat([]byte(fmt.Sprint(n, ".")), size/4))
	}
	return messages
}

// TestUnknownCodec wants typed messages refused at the end that would have to encode or decode them.
func TestUnknownCodec(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	call := link.Call{Namespace: "test", Codec: "xml", Spec: connect.Spec{Procedure: testingv1connect.EchoServiceEchoProcedure}}
	if err := open(t, p.a, call).Send(&testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeInternal {
		t.Errorf("typed Send = %v", err)
	}
	stream := open(t, p.a, call)
	if err := stream.Send(&link.Raw{Data: []byte("<x/>")}); err != nil {
		t.Fatal(err)
	}
	if err := stream.Receive(&link.Raw{}); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("call to a typed handler = %v", err)
	}
}

// TestBadMessages sends what cannot be decoded, and asks for what cannot be encoded.
func TestBadMessages(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	call := link.Call{Namespace: "test", Spec: connect.Spec{Procedure: testingv1connect.EchoServiceEchoProcedure}}
	stream := open(t, p.a, call)
	if err := stream.Send(&link.Raw{Data: []byte{0xff}}); err != nil {
		t.Fatal(err)
	}
	if err := stream.Receive(&link.Raw{}); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("bad request = %v", err)
	}
	stream = open(t, p.a, call)
	if err := stream.Send("no message"); connect.CodeOf(err) != connect.CodeInternal {
		t.Errorf("Send of a string = %v", err)
	}
	if err := stream.Receive(&link.Raw{}); connect.CodeOf(err) != connect.CodeInternal {
		t.Errorf("Receive after that = %v", err)
	}
	stream = open(t, p.a, call)
	if err := stream.Send(&testingv1.EchoRequest{Text: "bad \xff text"}); connect.CodeOf(err) != connect.CodeInternal {
		t.Errorf("Send of broken UTF-8 = %v", err)
	}
	if n := p.a.InFlight(); n != 0 {
		t.Errorf("%d calls in flight", n)
	}
	if _, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: "fine"}); err != nil {
		t.Error(err)
	}
}

// TestMetadataLimits wants too much metadata to fail its own call only, whoever sends it.
func TestMetadataLimits(t *testing.T) {
	t.Parallel()
	for name, h := range map[string][]string{"bytes": {textOf(70_000)}, "values": make([]string, 2000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPairWith(t, config("a", echo{}), config("b", scripted{
				unary: func(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
					info, _ := connect.CallInfoForServerContext(ctx)
					switch req.GetText() {
					case "header":
						info.ResponseHeader().SetValues("X-Large", h)
					case "trailer":
						info.ResponseTrailer().SetValues("X-Large", h)
					}
					return &testingv1.EchoResponse{}, nil
				},
				count: func(ctx context.Context, stream testingv1connect.EchoServiceCountServerStream) error {
					info, _ := connect.CallInfoForServerContext(ctx)
					info.ResponseHeader().SetValues("X-Large", h)
					return stream.Send(&testingv1.CountResponse{})
				},
			}))
			ctx, info := connect.NewClientContext(t.Context())
			info.RequestHeader().SetValues("X-Large", h)
			_, request := p.client().Echo(ctx, &testingv1.EchoRequest{})
			_, header := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: "header"})
			_, trailer := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: "trailer"})
			stream, err := p.client().Count(t.Context(), &testingv1.CountRequest{})
			if err != nil {
				t.Fatal(err)
			}
			_, early := stream.Receive()
			for what, err := range map[string]error{"request": request, "header": header, "trailer": trailer, "early header": early} {
				if connect.CodeOf(err) != connect.CodeResourceExhausted {
					t.Errorf("%s = %v", what, err)
				}
			}
			if _, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
				t.Error(err)
			}
		})
	}
}
