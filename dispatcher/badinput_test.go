package dispatcher_test

import (
	"cmp"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// What a call with a wrong name or place is answered, in every protocol, where the method is and elsewhere.
func TestBadInput_Routing(t *testing.T) {
	t.Parallel()
	namespaces := []string{"test", "other", "empty"}
	a, b, c := serve(t, "a", namespaces), serve(t, "b", namespaces), serve(t, "c", namespaces)
	for _, n := range []node{b, c} {
		n.hostEcho(t, "test")
	}
	for _, n := range []node{a, b} {
		n.hostEcho(t, "other")
	}
	join(t, a, b)
	join(t, a, c)
	join(t, b, c)
	for _, n := range []node{a, b} {
		n.waitFor(t, "the others", func() bool {
			return len(n.Connections().Table().Serving("test", testingv1connect.EchoServiceEchoProcedure)) > 0
		})
		n.waitFor(t, "all namespaces", func() bool { return len(n.Connections().Table().Peers()) == 2 })
	}
	c.Connections().Close()
	for _, n := range []node{a, b} {
		n.waitFor(t, "the end of c", func() bool { p, ok := n.Connections().Table().Peer("c"); return ok && !p.Routable() })
	}
	const echo, service = testingv1connect.EchoServiceEchoProcedure, "/collector.testing.v1.EchoService/"
	for name, tt := range map[string]struct {
		procedure, namespace, target string
		code                         connect.Code
		reason                       string
		says                         []string
	}{
		"method":              {service + "Eco", "test", "", connect.CodeUnimplemented, "method_unknown", []string{`no method "Eco"`, "near: Echo"}},
		"method, anywhere":    {service + "Eco", "", "", connect.CodeUnimplemented, "method_unknown", []string{"no namespace of collector", "near: collector.testing.v1.EchoService/Echo"}},
		"service":             {"/collector.testing.v1.EchoServise/Echo", "test", "", connect.CodeUnimplemented, "method_unknown", []string{"no service", "near: collector.testing.v1.EchoService"}},
		"method of another":   {echo, "empty", "", connect.CodeUnimplemented, "method_unknown", []string{`it is served in namespace`, "test"}},
		"namespace":           {echo, "tset", "", connect.CodeNotFound, "namespace_unknown", []string{`no namespace "tset"`, "it has", "test"}},
		"namespace, no name":  {echo, "Te st", "", connect.CodeNotFound, "namespace_unknown", []string{`no namespace "Te st"`}},
		"ambiguous":           {echo, "", "", connect.CodeFailedPrecondition, "namespace_ambiguous", []string{"served in several namespaces: other, test", "Collective-Namespace"}},
		"target":              {echo, "test", "bb", connect.CodeNotFound, "target_unknown", []string{`no connection to a collector "bb"`, "near: "}},
		"target, no name":     {echo, "test", "B!", connect.CodeNotFound, "target_unknown", []string{`no connection to a collector "B!"`}},
		"target gone":         {echo, "test", "c", connect.CodeUnavailable, "unreachable", []string{`collector "c" cannot be reached`, "without a target"}},
		"target without it":   {service + "Look", "test", "a", connect.CodeUnimplemented, "target_not_serving", []string{`collector "a" does not serve`, "without a target"}},
		"unknown at a target": {service + "Loook", "test", "b", connect.CodeUnimplemented, "method_unknown", []string{"near: Look"}},
	} {
		for protocol, opts := range protocols {
			for _, entrance := range []node{a, b} {
				ctx, info := connect.NewClientContext(t.Context())
				for header, value := range map[string]string{"Collective-Namespace": tt.namespace, "Collective-Target": tt.target} {
					if value != "" {
						info.RequestHeader().Set(header, value)
					}
				}
				client := connect.NewClient(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+entrance.Address, opts...))
				err := client.CallUnary(ctx, connect.Spec{Procedure: tt.procedure}, &testingv1.EchoRequest{}, &testingv1.EchoResponse{})
				reason := cmp.Or(info.ResponseHeader().Get("Collective-Reason"), info.ResponseTrailer().Get("Collective-Reason"))
				if connect.CodeOf(err) != tt.code || reason != tt.reason {
					t.Errorf("%s, %s at %s: %v, reason %q, want %v, %q", name, protocol, entrance.ID(), err, reason, tt.code, tt.reason)
					continue
				}
				for _, part := range tt.says {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%s, %s at %s: %v does not say %q", name, protocol, entrance.ID(), err, part)
					}
				}
				if tt.reason != "method_unknown" && callFailure(t, err).GetReason() != tt.reason {
					t.Errorf("%s, %s at %s: %v", name, protocol, entrance.ID(), callFailure(t, err))
				}
			}
		}
	}
}

// announced puts a prefix before each message, the last of which is announced and does not come.
func announced(next uint32, messages ...string) string {
	var all strings.Builder
	for _, message := range messages {
		all.Write(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))))
		all.WriteString(message)
	}
	all.Write(binary.BigEndian.AppendUint32([]byte{0}, next))
	return all.String()
}

// A message that is announced too large is refused on its announcement, whatever came before it on the stream, and
// nothing stays behind.
func TestBadInput_TooLargeLaterOnAStream(t *testing.T) {
	t.Parallel()
	p := newWatchedPair(t, echo{"b"})
	for contentType, body := range map[string]string{
		"application/grpc":           announced(1<<31, "\x08\x01", "\x08\x02"),
		"application/grpc-web+proto": announced(1<<31, "\x08\x01", "\x08\x02"),
		"application/connect+proto":  announced(1<<31, "\x08\x01", "\x08\x02"),
		"application/connect+json":   announced(1<<31, `{"number":"1"}`, `{}`),
	} {
		for _, path := range []string{testingv1connect.EchoServiceCollectProcedure, testingv1connect.EchoServiceConverseProcedure} {
			if strings.HasSuffix(path, "Converse") {
				body = strings.ReplaceAll(body, "\x08", "\x10") // a field that it does not know
			}
			for _, n := range []node{p.a, p.b} {
				status, text := unfinished(t, n, path, contentType, body)
				if status != "8" && !strings.Contains(text, "resource_exhausted") && !strings.Contains(text, "grpc-status: 8") {
					t.Errorf("%s %s at %s: status %q, %q", contentType, path, n.ID(), status, text)
				}
				p.quiet(t, contentType+" at "+n.ID())
			}
		}
	}
}

// unfinished sends the beginning of a body and then nothing, and returns how gRPC says it ended and what was answered.
func unfinished(t *testing.T, n node, path, contentType, body string) (status, text string) {
	t.Helper()
	reader, feed := io.Pipe()
	defer feed.Close()
	go func() { _, _ = io.WriteString(feed, body) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	client := meshtest.HTTP2Client(t)
	client.Timeout = patience
	res, err := client.Do(req)
	if err != nil {
		return "", err.Error()
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	return res.Trailer.Get("Grpc-Status") + res.Header.Get("Grpc-Status"), string(answer)
}

// A unary body of Connect that says how long it is need not come to be refused.
func TestBadInput_LengthOfABody(t *testing.T) {
	t.Parallel()
	p := newWatchedPair(t, echo{"b"})
	for _, n := range []node{p.a, p.b} {
		for _, path := range []string{testingv1connect.EchoServiceEchoProcedure, "/collector.mesh.v1.MeshService/GetStatus"} {
			body, feed := io.Pipe() // that never sends
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = 1 << 40
			res, text := do(t, req, "Expect", "100-continue")
			_ = feed.Close()
			if res.StatusCode != http.StatusTooManyRequests || !strings.Contains(text, "resource_exhausted") {
				t.Errorf("%s at %s: %d %s", path, n.ID(), res.StatusCode, text)
			}
		}
	}
	p.quiet(t, "bodies that never came")
}

// Bodies and content types that no protocol knows.
func TestBadInput_Bodies(t *testing.T) {
	t.Parallel()
	p := newWatchedPair(t, echo{"b"}, dispatcher.WithLimits(dispatcher.Limits{MessageBytes: 64 << 10}))
	const echoPath, collect = testingv1connect.EchoServiceEchoProcedure, testingv1connect.EchoServiceCollectProcedure
	whole := func(message string) string { return strings.TrimSuffix(announced(0, message), "\x00\x00\x00\x00\x00") }
	for name, tt := range map[string]struct {
		path, contentType, body string
		status                  int
		says                    string // in the answer, or the status of gRPC
	}{
		"text":                      {echoPath, "text/plain", "{}", 415, ""},
		"a form":                    {echoPath, "application/x-www-form-urlencoded", "a=b", 415, ""},
		"another codec":             {echoPath, "application/xml", "<a/>", 415, ""},
		"another codec of grpc":     {echoPath, "application/grpc+thrift", whole(""), 415, ""},
		"another codec as text":     {echoPath, "application/grpc-web-text+thrift", "AAAAAAA=", 415, ""},
		"no JSON":                   {echoPath, "application/json", "{", 400, `"invalid_argument"`},
		"no protobuf":               {echoPath, "application/proto", "\xff\xff", 400, `"invalid_argument"`},
		"no protobuf by grpc":       {echoPath, "application/grpc", whole("\xff\xff"), 200, "3"},
		"no protobuf by grpc-web":   {echoPath, "application/grpc-web", whole("\xff\xff"), 200, "3"},
		"no protobuf in a stream":   {collect, "application/connect+proto", whole("\xff\xff"), 200, `"invalid_argument"`},
		"half a prefix":             {echoPath, "application/grpc", "\x00\x00", 200, "13"},
		"half a message":            {echoPath, "application/grpc", announced(10), 200, "13"},
		"half a message in stream":  {collect, "application/connect+json", announced(10, `{}`), 200, `"internal"`},
		"compression not said":      {echoPath, "application/grpc", "\x01\x00\x00\x00\x00", 200, "13"},
		"no message by grpc":        {echoPath, "application/grpc", "", 200, "12"},
		"two messages by grpc":      {echoPath, "application/grpc", whole("") + whole(""), 200, "12"},
		"a stream's type for unary": {echoPath, "application/connect+json", whole("{}"), 415, ""},
		"unary's type for a stream": {collect, "application/json", "{}", 415, ""},
	} {
		for _, n := range []node{p.a, p.b} {
			res, text := postHTTP2(t, n, tt.path, tt.contentType, tt.body)
			said := res.Header.Get("Grpc-Status") + res.Trailer.Get("Grpc-Status")
			if _, trailer, ok := strings.Cut(text, "grpc-status: "); ok {
				said, _, _ = strings.Cut(trailer, "\r\n")
			}
			if res.StatusCode != tt.status || said != tt.says && !strings.Contains(text, tt.says) || said == "" && tt.says != "" && tt.says[0] != '"' {
				t.Errorf("%s at %s: %d, status %q, %q; want %d %s", name, n.ID(), res.StatusCode, said, text, tt.status, tt.says)
			}
			if tt.status == http.StatusUnsupportedMediaType && !strings.Contains(res.Header.Get("Accept-Post"), "application/") {
				t.Errorf("%s at %s: it is not told what would do: %v", name, n.ID(), res.Header)
			}
			p.quiet(t, name+" at "+n.ID())
		}
	}
}

func postHTTP2(t *testing.T, n node, path, contentType, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	return roundTrip(t, meshtest.HTTP2Client(t), req)
}

func roundTrip(t *testing.T, client *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}
