package dispatcher_test

import (
	"errors"
	"io"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// pair is a collector that hosts nothing and one that hosts the test service, linked.
func pair(t testing.TB, opts ...dispatcher.Option) (a, b node) {
	t.Helper()
	a, b = serve(t, "a", []string{"test"}, opts...), serve(t, "b", []string{"test"}, opts...)
	b.hostEcho(t, "test")
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
	return a, b
}

// protocols are the ways of a generated connect client to speak.
var protocols = map[string][]connecthttp.Option{
	"connect":      nil,
	"connect json": {connecthttp.WithSendCodec(connect.CodecNameJSON)},
	"connect gzip": {connecthttp.WithSendGzip()},
	"grpc":         {connecthttp.WithGRPC()},
	"grpc json":    {connecthttp.WithGRPC(), connecthttp.WithSendCodec(connect.CodecNameJSON)},
	"grpcweb":      {connecthttp.WithGRPCWeb()},
}

func TestNative_EveryStreamKindInEveryProtocol(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for name, opts := range protocols {
		for _, entrance := range []node{a, b} {
			t.Run(name+" at "+entrance.ID(), func(t *testing.T) {
				t.Parallel()
				exerciseStreams(t, entrance.client(t, opts...), "b")
			})
		}
	}
}

// exerciseStreams calls all four stream kinds, which must run on a collector.
func exerciseStreams(t *testing.T, client testingv1connect.EchoServiceClient, executor string) {
	t.Helper()
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("X-Echo", "hello")
	res, err := client.Echo(ctx, &testingv1.EchoRequest{Text: "unary"})
	if err != nil || res.GetText() != "unary on "+executor {
		t.Fatalf("Echo: %v, %v", res, err)
	}
	checkMetadata(t, info, "Echo")
	exerciseCollect(t, client)
	exerciseCount(t, client)
	exerciseConverse(t, client, executor)
}

func checkMetadata(t *testing.T, info *connect.CallInfo, what string) {
	t.Helper()
	header, trailer := info.ResponseHeader().Get("X-Echo-Header"), info.ResponseTrailer().Get("X-Echo-Trailer")
	if header != "hello" || trailer != "hello" {
		t.Errorf("%s: header %q, trailer %q", what, header, trailer)
	}
}

func exerciseCollect(t *testing.T, client testingv1connect.EchoServiceClient) {
	t.Helper()
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("X-Echo", "hello")
	stream, err := client.Collect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(100) {
		if err := stream.Send(&testingv1.CollectRequest{Number: n}); err != nil {
			t.Fatal(err)
		}
	}
	res, err := stream.CloseAndReceive()
	if err != nil || res.GetSum() != 4950 {
		t.Fatalf("Collect: %v, %v", res, err)
	}
	checkMetadata(t, info, "Collect")
}

func exerciseCount(t *testing.T, client testingv1connect.EchoServiceClient) {
	t.Helper()
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("X-Echo", "hello")
	stream, err := client.Count(ctx, &testingv1.CountRequest{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for n := int64(1); n <= 100; n++ {
		res, err := stream.Receive()
		if err != nil || res.GetNumber() != n {
			t.Fatalf("Count: %v, %v", res, err)
		}
	}
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		t.Fatalf("Count ends with %v", err)
	}
	checkMetadata(t, info, "Count")
}

func exerciseConverse(t *testing.T, client testingv1connect.EchoServiceClient, executor string) {
	t.Helper()
	stream, err := client.Converse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for _, text := range []string{"one", "", "three"} {
		if err := stream.Send(&testingv1.ConverseRequest{Text: text}); err != nil {
			t.Fatal(err)
		}
		res, err := stream.Receive()
		if err != nil || res.GetText() != text+" on "+executor {
			t.Fatalf("Converse: %v, %v", res, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		t.Fatalf("Converse ends with %v", err)
	}
}

func TestNative_AnswersNameExecutorAndRoute(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for entrance, want := range map[node]string{a: "a,b", b: "b"} {
		ctx, info := connect.NewClientContext(t.Context())
		if _, err := entrance.client(t).Echo(ctx, &testingv1.EchoRequest{}); err != nil {
			t.Fatal(err)
		}
		got := []string{info.ResponseHeader().Get("Collective-Executor"), info.ResponseHeader().Get("Collective-Route")}
		if diff := cmp.Diff([]string{"b", want}, got); diff != "" {
			t.Errorf("at %s: executor, route (-want +got):\n%s", entrance.ID(), diff)
		}
	}
}
