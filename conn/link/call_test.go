package link_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

func TestUnaryBothWays(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for name, client := range map[string]interface {
		Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error)
	}{"initiator": p.clientOf(p.a), "acceptor": p.clientOf(p.b)} {
		for i := range 100 {
			want := fmt.Sprint(name, i)
			got, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: want})
			if err != nil || got.GetText() != want {
				t.Fatalf("Echo from the %s = %q, %v; want %q", name, got.GetText(), err, want)
			}
		}
	}
	if err := p.b.Drain(t.Context()); err != nil { // waits for handlers, which return after their answer has left
		t.Error(err)
	}
	if n := p.b.InFlight(); n != 0 {
		t.Errorf("%d calls in flight on a drained link", n)
	}
}

func TestUnaryMetadata(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("X-Mirror", "one")
	info.RequestHeader().Add("X-Mirror", "zwei \u00fc")
	if _, err := p.client().Echo(ctx, &testingv1.EchoRequest{Text: "x"}); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]string{
		"X-Header":  info.ResponseHeader().Values("X-Header"),
		"X-Trailer": info.ResponseTrailer().Values("X-Trailer"),
	} {
		if len(got) != 2 || got[0] != "one" || got[1] != "zwei \u00fc" {
			t.Errorf("%s = %q", name, got)
		}
	}
}

func TestUnarySizes(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, size := range []int{0, 1, 2000, 2100, 16 << 10, 16<<10 + 1, 100 << 10, 256 << 10, 1 << 20, 4<<20 - 100} {
		text := strings.Repeat("x", size)
		got, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: text})
		if err != nil || got.GetText() != text {
			t.Fatalf("Echo of %d bytes: %d bytes, %v", size, len(got.GetText()), err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: strings.Repeat("x", 5<<20)})
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("request of 5 MiB: %v", err)
	}
	_, err = p.client().Echo(t.Context(), &testingv1.EchoRequest{Padding: 5 << 20})
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("response of 5 MiB: %v", err)
	}
	if _, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: "still alive"}); err != nil {
		t.Error(err)
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	ctx, info := connect.NewClientContext(t.Context())
	_, err := p.client().Fail(ctx, &testingv1.FailRequest{Code: int32(connect.CodeAborted), Message: "no ☃", Detail: "why"})
	var failure *connect.Error
	if !errors.As(err, &failure) || !failure.IsRemote() || failure.Code() != connect.CodeAborted || failure.Message() != "no ☃" {
		t.Fatalf("Fail = %#v", err)
	}
	if len(failure.Details()) != 1 {
		t.Fatalf("details = %v", failure.Details())
	}
	detail, err := connectproto.UnmarshalErrorDetail(failure.Details()[0])
	if err != nil || detail.(*testingv1.FailRequest).GetDetail() != "why" {
		t.Errorf("detail = %v, %v", detail, err)
	}
	if info.ResponseHeader().Get("X-Header") != "h" || info.ResponseTrailer().Get("X-Trailer") != "t" {
		t.Error("headers or trailers of a failed call are lost")
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	t.Run("client", func(t *testing.T) {
		stream, err := p.client().Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for n := range int64(1000) {
			if err := stream.Send(&testingv1.CollectRequest{Number: n}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := stream.CloseAndReceive()
		if err != nil || got.GetSum() != 499500 {
			t.Errorf("sum = %d, %v", got.GetSum(), err)
		}
	})
	t.Run("server", func(t *testing.T) {
		stream, err := p.client().Count(t.Context(), &testingv1.CountRequest{Limit: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		for n := int64(1); ; n++ {
			got, err := stream.Receive()
			if errors.Is(err, io.EOF) && n == 100_001 {
				break
			}
			if err != nil || got.GetNumber() != n {
				t.Fatalf("message %d = %d, %v", n, got.GetNumber(), err)
			}
		}
	})
	t.Run("bidi", func(t *testing.T) {
		stream, err := p.client().Converse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for n := range 1000 {
			want := fmt.Sprint("message ", n)
			if err := stream.Send(&testingv1.ConverseRequest{Text: want}); err != nil {
				t.Fatal(err)
			}
			got, err := stream.Receive()
			if err != nil || got.GetText() != want {
				t.Fatalf("answer %d = %q, %v", n, got.GetText(), err)
			}
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("after CloseSend: %v", err)
		}
	})
}
