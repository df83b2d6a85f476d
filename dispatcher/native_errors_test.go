package dispatcher_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// verdict is what a client can see of an error.
type verdict struct {
	Code    connect.Code
	Message string
	Details []string
	Header  string
	Trailer string
}

func failure(t *testing.T, n node, req *testingv1.FailRequest, opts ...connecthttp.Option) verdict {
	t.Helper()
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("X-Echo", "hello")
	_, err := n.client(t, opts...).Fail(ctx, req)
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok {
		t.Fatalf("err = %v", err)
	}
	v := verdict{Code: coded.Code(), Message: coded.Message(), Header: info.ResponseHeader().Get("X-Echo-Header"), Trailer: info.ResponseTrailer().Get("X-Echo-Trailer")}
	for _, d := range coded.Details() {
		v.Details = append(v.Details, d.Type+" "+string(d.Value))
	}
	return v
}

// A handler's error crosses the mesh unchanged, in every protocol.
func TestNative_ErrorsAreTheSameDirectAndRouted(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for name, opts := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for code := connect.CodeCanceled; code <= connect.CodeUnauthenticated; code++ {
				req := &testingv1.FailRequest{Code: int32(code), Message: "why, in ünicode", Detail: "more"}
				direct, routed := failure(t, b, req, opts...), failure(t, a, req, opts...)
				if diff := cmp.Diff(direct, routed); diff != "" || direct.Message != req.GetMessage() || len(direct.Details) != 1 || direct.Trailer != "hello" {
					t.Errorf("%v: direct %+v (-direct +routed):\n%s", code, direct, diff)
				}
			}
			direct, routed := failure(t, b, &testingv1.FailRequest{}, opts...), failure(t, a, &testingv1.FailRequest{}, opts...)
			if diff := cmp.Diff(direct, routed); diff != "" || direct.Code != connect.CodeUnknown || strings.Contains(direct.Message, "secret") {
				t.Errorf("plain error: direct %+v (-direct +routed):\n%s", direct, diff)
			}
		})
	}
}

func callFailure(t *testing.T, err error) *meshv1.CallFailure {
	t.Helper()
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok {
		t.Fatalf("err = %v", err)
	}
	for _, d := range coded.Details() {
		if m, err := connectproto.UnmarshalErrorDetail(d); err == nil {
			if found, ok := m.(*meshv1.CallFailure); ok {
				return found
			}
		}
	}
	t.Fatalf("no CallFailure in %v", err)
	return nil
}

func TestNative_StreamErrorsAfterMessages(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for _, n := range []node{a, b} {
		stream, err := n.client(t).Converse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		for _, text := range []string{"go", "stop here"} {
			if err := stream.Send(&testingv1.ConverseRequest{Text: text}); err != nil {
				t.Fatal(err)
			}
		}
		if res, err := stream.Receive(); err != nil || res.GetText() != "go on b" {
			t.Fatalf("at %s: %v, %v", n.ID(), res, err)
		}
		if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeAborted || !strings.Contains(err.Error(), "stop here") {
			t.Errorf("at %s: %v", n.ID(), err)
		}
	}
}

// A handler may end a call while its client still sends.
func TestNative_AnswerBeforeTheRequestEnds(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for _, n := range []node{a, b} {
		stream, err := n.client(t).Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for err == nil { // until the verdict has come back
			err = stream.Send(&testingv1.CollectRequest{Number: -1})
		}
		if _, err := stream.CloseAndReceive(); connect.CodeOf(err) != connect.CodeOutOfRange {
			t.Errorf("at %s: %v", n.ID(), err)
		}
	}
}

// post sends JSON over HTTP/1.1, as curl does.
func post(t *testing.T, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req, header...)
}

func do(t *testing.T, req *http.Request, header ...string) (*http.Response, string) {
	t.Helper()
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestNative_NamespaceAndTargetSelection(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"blue", "green", "red"}), serve(t, "b", []string{"blue", "green", "red"})
	a.hostEcho(t, "blue")
	b.hostEcho(t, "blue")
	b.hostEcho(t, "green")
	a.registerString(t, "red", "only.Red", "Here")
	join(t, a, b)
	a.knows(t, "green", testingv1connect.EchoServiceEchoProcedure)
	a.knows(t, "blue", testingv1connect.EchoServiceEchoProcedure)
	const echoPath, input = "/collector.testing.v1.EchoService/Echo", `{"text":"hi"}`
	tests := []struct {
		name, path string
		header     []string
		status     int
		body       string // a part of it
		executor   string
	}{
		{"header", echoPath, []string{"Collective-Namespace", "green"}, 200, "hi on b", "b"},
		{"prefix", "/ns/green" + echoPath, nil, 200, "hi on b", "b"},
		{"header and prefix", "/ns/green" + echoPath, []string{"Collective-Namespace", "green"}, 200, "hi on b", "b"},
		{"header against prefix", "/ns/blue" + echoPath, []string{"Collective-Namespace", "green"}, 400, "name one", "a"},
		{"local first", echoPath, []string{"Collective-Namespace", "blue"}, 200, "hi on a", "a"},
		{"target", echoPath, []string{"Collective-Namespace", "blue", "Collective-Target", "b"}, 200, "hi on b", "b"},
		{"own id", echoPath, []string{"Collective-Namespace", "blue", "Collective-Target", "a"}, 200, "hi on a", "a"},
		{"ambiguous", echoPath, nil, 400, "served in several namespaces: blue, green", "a"},
		{"the only one", "/only.Red/Here", nil, 400, "", "a"},
		{"unknown namespace", echoPath, []string{"Collective-Namespace", "pink"}, 404, `has no namespace`, "a"},
		{"unknown target", echoPath, []string{"Collective-Namespace", "blue", "Collective-Target", "z"}, 404, `no connection to a collector`, "a"},
		{"target without it", echoPath, []string{"Collective-Namespace", "green", "Collective-Target", "a"}, 501, "does not serve", "a"},
		{"unknown method", "/collector.testing.v1.EchoService/Eco", nil, 404, "near: collector.testing.v1.EchoService/Echo", "a"},
		{"unknown method, known namespace", "/ns/green/collector.testing.v1.EchoService/Eco", nil, 404, "near: Echo", "a"},
		{"unknown service", "/ns/green/collector.testing.v1.EchoServise/Echo", nil, 404, "near: collector.testing.v1.EchoService", "a"},
		{"not a procedure", "/ns/green/what", nil, 400, "want /package.Service/Method", "a"},
		{"odd path", "//collector.testing.v1.EchoService/Echo", nil, 404, "want /package.Service/Method", "a"},
	}
	for _, tt := range tests {
		body := input
		if tt.name == "the only one" {
			body = `{` // malformed, to see that it got as far as the handler's input
		}
		res, text := post(t, "http://"+a.Address+tt.path, body, tt.header...)
		if res.StatusCode != tt.status || !strings.Contains(text, tt.body) || res.Header.Get("Collective-Executor") != tt.executor {
			t.Errorf("%s: %d %q by %q, want %d %q by %q", tt.name, res.StatusCode, text, res.Header.Get("Collective-Executor"), tt.status, tt.body, tt.executor)
		}
	}
}

func TestNative_Get(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for _, n := range []node{a, b} {
		ctx, info := connect.NewClientContext(t.Context())
		res, err := n.client(t, connecthttp.WithHTTPGet()).Look(ctx, &testingv1.LookRequest{Text: "hi"})
		if err != nil || res.GetText() != "hi on b" {
			t.Errorf("at %s: %v, %v", n.ID(), res, err)
		}
		if used, ok := connecthttp.ClientInfoForContext(ctx); !ok || used.HTTPMethod() != http.MethodGet {
			t.Errorf("at %s: no GET was made (%v)", n.ID(), info.TransportInfo)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.Address+testingv1connect.EchoServiceEchoProcedure+`?encoding=json&message={}`, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, _ := do(t, req); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET of a method with effects at %s: %d", n.ID(), res.StatusCode)
		}
	}
}

func TestNative_NotAnRPC(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	for _, path := range []string{"/", "/favicon.ico", testingv1connect.EchoServiceEchoProcedure + "x"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, text := do(t, req); res.StatusCode != http.StatusNotFound || !strings.HasPrefix(text, "404: ") {
			t.Errorf("GET %s: %d %q", path, res.StatusCode, text)
		}
	}
	if res, _ := post(t, "http://"+a.Address+testingv1connect.EchoServiceEchoProcedure, "{}", "Content-Type", "text/plain"); res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: %d", res.StatusCode)
	}
}

func TestNative_Limits(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	a, b := pair(t, dispatcher.WithLimits(dispatcher.Limits{MessageBytes: limit}))
	big := strings.Repeat("x", limit+1)
	for name, opts := range map[string][]connecthttp.Option{"connect gzip": {connecthttp.WithSendGzip()}, "grpc": {connecthttp.WithGRPC()}} {
		for _, n := range []node{a, b} {
			client := n.client(t, opts...)
			if _, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: big}); connect.CodeOf(err) != connect.CodeResourceExhausted {
				t.Errorf("%s, request at %s: %v", name, n.ID(), err)
			}
			if _, err := client.Echo(t.Context(), &testingv1.EchoRequest{Padding: limit}); connect.CodeOf(err) != connect.CodeResourceExhausted {
				t.Errorf("%s, answer at %s: %v", name, n.ID(), err)
			}
			if res, err := client.Echo(t.Context(), &testingv1.EchoRequest{Padding: limit - 100}); err != nil || len(res.GetPadding()) != limit-100 {
				t.Errorf("%s, just below the limit at %s: %v", name, n.ID(), err)
			}
			exerciseBigInStream(t, client, big)
		}
	}
}

// exerciseBigInStream sends a message in a request stream that is refused where the call enters.
func exerciseBigInStream(t *testing.T, client testingv1connect.EchoServiceClient, big string) {
	t.Helper()
	stream, err := client.Converse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	_ = stream.Send(&testingv1.ConverseRequest{Text: big})
	if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("too large in a stream: %v", err)
	}
}

func TestNative_CancellationReachesTheHandler(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	started, ended := make(chan struct{}, 1), make(chan error, 1)
	wait := func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		if err := stream.Receive(new(testingv1.CountRequest)); err != nil {
			return err
		}
		started <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	if err := b.RegisterDynamic("test", echoService(), wait); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceCountProcedure)
	for _, n := range []node{a, b} {
		ctx, cancel := context.WithCancel(t.Context())
		client, opened := n.client(t), make(chan error, 1)
		go func() {
			_, err := client.Count(ctx, &testingv1.CountRequest{}) // returns with the headers, that is never
			opened <- err
		}()
		<-started
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatalf("at %s: the handler still waits", n.ID())
		}
		if err := <-opened; connect.CodeOf(err) != connect.CodeCanceled {
			t.Errorf("at %s: %v", n.ID(), err)
		}
	}
}

func TestNative_HandlerPanics(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for range 10 {
		for _, n := range []node{a, b} {
			_, err := n.client(t, connecthttp.WithGRPC()).Echo(t.Context(), &testingv1.EchoRequest{Text: "panic"})
			if connect.CodeOf(err) != connect.CodeInternal || strings.Contains(err.Error(), "secret") {
				t.Fatalf("at %s: %v", n.ID(), err)
			}
			got := callFailure(t, err)
			want := &meshv1.CallFailure{Reason: "handler_panic", MaybeExecuted: true, Route: []string{"b"}}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Fatalf("at %s (-want +got):\n%s", n.ID(), diff)
			}
		}
	}
}

func TestNative_UnreachableSaysWhy(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	b.Connections().Close()
	a.waitFor(t, "the end of b", func() bool { p, ok := a.Connections().Table().Peer("b"); return ok && !p.Routable() })
	_, err := a.client(t).Echo(t.Context(), &testingv1.EchoRequest{})
	if connect.CodeOf(err) != connect.CodeUnavailable {
		t.Fatalf("err = %v", err)
	}
	got := callFailure(t, err)
	if got.GetReason() != "unreachable" || got.GetMaybeExecuted() || len(got.GetCandidates()) != 2 || !strings.Contains(got.GetCandidates()[1].GetReason(), "connection is stale") {
		t.Errorf("failure %v", got)
	}
}

func TestNative_OwnHeadersDoNotComeInFromOutside(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	seen := make(chan map[string][]string, 1)
	if err := b.RegisterService("test", "S", "M", func(ctx context.Context, _ any) (any, error) {
		info, _ := connect.CallInfoForServerContext(ctx)
		headers := make(map[string][]string)
		for name, values := range info.RequestHeader().All() {
			headers[name] = values
		}
		seen <- headers
		info.ResponseHeader().Set("Collective-Executor", "forged")
		info.ResponseHeader().Set("Connection", "close")
		info.ResponseHeader().Set("X-Answer", "yes")
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", "/S/M")
	res, text := post(t, "http://"+a.Address+"/S/M", `{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"x"}`,
		"Collective-Secret", "x", "Collective-Executor", "x", "Cookie", "session=1", "Authorization", "Bearer t",
		"Connection", "X-Hop", "X-Hop", "1", "Te", "trailers", "Idempotency-Key", "k", "X-Idempotency-Key", "k", "Grpc_Timeout", "1S", "Collective_Secret", "x",
		"Grpc-Timeout", "10S", "Connect-Timeout-Ms", "10000", "X_Under", "1", "Grpc-Trace-Bin", "AAEC", "Grpc-Tags-Bin", "AwQ",
		"Grpc-Previous-Rpc-Attempts", "1", "Trailer-Park", "1",
		"X-Request-Id", "42", "Traceparent", "00-1-2-3", "User-Agent", "test")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	want := map[string][]string{
		"X-Request-Id": {"42"}, "Traceparent": {"00-1-2-3"}, "User-Agent": {"test"},
		"X_under": {"1"}, "Grpc-Trace-Bin": {"AAEC"}, "Grpc-Tags-Bin": {"AwQ"}, "Grpc-Previous-Rpc-Attempts": {"1"}, "Trailer-Park": {"1"},
		"Authorization": {"Bearer t"}, // a dialled b on loopback
	}
	if diff := cmp.Diff(want, <-seen); diff != "" {
		t.Errorf("the handler's headers (-want +got):\n%s", diff)
	}
	if res.Header.Get("Collective-Executor") != "b" || res.Header.Get("X-Answer") != "yes" {
		t.Errorf("answer headers %v", res.Header)
	}
}

func TestNative_HandlersHereSeeNoForgedHeaders(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	seen := make(chan []string, 1)
	if err := a.RegisterService("test", "S", "M", func(ctx context.Context, _ any) (any, error) {
		info, _ := connect.CallInfoForServerContext(ctx)
		var names []string
		for name := range info.RequestHeader().All() {
			if strings.HasPrefix(name, "Collective-") || name == "X-Mine" {
				names = append(names, name)
			}
		}
		seen <- names
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	post(t, "http://"+a.Address+"/S/M", "{}", "Collective-Executor", "x", "Collective-Target", "a", "Collective-Namespace", "test", "X-Mine", "1")
	if diff := cmp.Diff([]string{"X-Mine"}, <-seen); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestNative_BytesAreNotDecodedOnTheWay(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	if err := b.RegisterService("test", "S", "M", func(_ context.Context, in any) (any, error) { return in, nil }); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", "/S/M")
	// An unknown field after the Any: a decoding hop would drop or move it; b, which decodes, ignores it.
	wire := []byte("\n+type.googleapis.com/google.protobuf.BoolValue\x12\x02\b\x01\xfa\x01\x03abc")
	wire[1] = byte(len("type.googleapis.com/google.protobuf.BoolValue"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Address+"/S/M", bytes.NewReader(wire))
	if err != nil {
		t.Fatal(err)
	}
	res, body := do(t, req, "Content-Type", "application/proto")
	if res.StatusCode != http.StatusOK || body != string(wire[:len(wire)-6]) {
		t.Errorf("%d %q", res.StatusCode, body)
	}
}
