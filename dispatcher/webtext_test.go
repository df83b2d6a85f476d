package dispatcher_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// What Google's client sends in its mode grpcwebtext.
var googleHeaders = []string{
	"Content-Type", "application/grpc-web-text", "Accept", "application/grpc-web-text",
	"X-Grpc-Web", "1", "X-User-Agent", "grpc-web-javascript/0.1", "Grpc-Timeout", "5000m",
}

func TestWebText_EveryEntrance(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	echoed := &testingv1.EchoResponse{Text: "hi on b"}
	dispatched := &collector.DispatchRequest{
		Namespace: "test", Service: &collector.ServiceTypeRef{ServiceName: "EchoService"}, MethodName: "Echo",
		Input: pack(t, &testingv1.EchoRequest{Text: "hi"}),
	}
	for _, n := range []node{a, b} {
		for path, call := range map[string]struct{ in, want proto.Message }{
			testingv1connect.EchoServiceEchoProcedure:               {&testingv1.EchoRequest{Text: "hi"}, echoed},
			"/ns/test" + testingv1connect.EchoServiceEchoProcedure:  {&testingv1.EchoRequest{Text: "hi"}, echoed},
			testingv1connect.EchoServiceLookProcedure:               {&testingv1.LookRequest{Text: "hi"}, &testingv1.LookResponse{Text: "hi on b"}},
			"/collector.CollectiveDispatcher/Dispatch":              {dispatched, &collector.DispatchResponse{Output: pack(t, echoed)}},
			meshv1connect.MeshServiceGetStatusProcedure:             {&meshv1.GetStatusRequest{}, &meshv1.GetStatusResponse{}},
			"/grpc.health.v1.Health/Check":                          {&testingv1.LookRequest{}, nil},
			testingv1connect.EchoServiceCountProcedure:              {&testingv1.CountRequest{Limit: 1}, &testingv1.CountResponse{Number: 1}},
			"/ns/test" + testingv1connect.EchoServiceCountProcedure: {&testingv1.CountRequest{Limit: 1}, &testingv1.CountResponse{Number: 1}},
		} {
			res, messages, trailer := askText(t, n, path, base64.StdEncoding.EncodeToString([]byte(framed(mustMarshal(t, call.in)))))
			if res.StatusCode != http.StatusOK || len(messages) != 1 || trailer["grpc-status"] != "0" {
				t.Errorf("%s at %s: %d %v, %d messages, %v", path, n.ID(), res.StatusCode, res.Header, len(messages), trailer)
				continue
			}
			checkAnswer(t, path+" at "+n.ID(), messages[0], call.want)
		}
	}
}

// checkAnswer compares what the call says for sure: all of it, or the output of a Dispatch.
func checkAnswer(t *testing.T, what, message string, want proto.Message) {
	t.Helper()
	switch want := want.(type) {
	case nil, *meshv1.GetStatusResponse:
	case *collector.DispatchResponse:
		got := new(collector.DispatchResponse)
		if err := proto.Unmarshal([]byte(message), got); err != nil || !proto.Equal(got.GetOutput(), want.GetOutput()) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	default:
		if message != mustMarshal(t, want) {
			t.Errorf("%s: %q", what, message)
		}
	}
}

// Each message of a stream can be decoded when it comes: nothing of it waits for the next one.
func TestWebText_StreamsAreFlushedPerMessage(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	goOn := make(chan struct{})
	if err := b.RegisterDynamic("test", echoService(), func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
		for number := range int64(4) {
			if err := stream.Send(&testingv1.CountResponse{Number: 1 << (7 * number)}); err != nil {
				return err
			}
			<-goOn
		}
		return connect.NewError(connect.CodeAborted, "ünd Schluß")
	}); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceCountProcedure)
	for _, n := range []node{a, b} {
		for _, client := range []*http.Client{meshtest.HTTP2Client(t), {Transport: oneTransport(t)}} {
			res := sendText(t, client, n, testingv1connect.EchoServiceCountProcedure, base64.StdEncoding.EncodeToString([]byte(framed(""))))
			for number := range int64(4) {
				want := framed(mustMarshal(t, &testingv1.CountResponse{Number: 1 << (7 * number)}))
				chunk := make([]byte, base64.StdEncoding.EncodedLen(len(want)))
				if _, err := io.ReadFull(res.Body, chunk); err != nil {
					t.Fatal(err)
				}
				if got, err := base64.StdEncoding.DecodeString(string(chunk)); err != nil || string(got) != want {
					t.Errorf("at %s: message %d: %q, %v, want %q", n.ID(), number, got, err, want)
				}
				goOn <- struct{}{}
			}
			_, trailer := readText(t, res)
			if trailer["grpc-status"] != "10" || trailer["grpc-message"] != "%C3%BCnd Schlu%C3%9F" {
				t.Errorf("at %s: trailers %v", n.ID(), trailer)
			}
			if err := res.Body.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Errors and refusals, before and after routing: as on gRPC-Web, trailers alone are headers; all else is in the body.
func TestWebText_Failures(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	fail := base64.StdEncoding.EncodeToString([]byte(framed(mustMarshal(t, &testingv1.FailRequest{Code: 9, Message: "no", Detail: "x"}))))
	for _, n := range []node{a, b} {
		for path, want := range map[string]struct{ status, reason string }{
			testingv1connect.EchoServiceFailProcedure:              {"9", ""},
			"/nobody.has.This/Method":                              {"12", "method_unknown"},
			"/collector.testing.v1.EchoService/Nope":               {"12", "method_unknown"},
			"/ns/nope" + testingv1connect.EchoServiceFailProcedure: {"5", "namespace_unknown"},
		} {
			res, messages, trailer := askText(t, n, path, fail)
			status := res.Header.Get("Grpc-Status") + trailer["grpc-status"]
			if res.StatusCode != http.StatusOK || status != want.status || len(messages) != 0 {
				t.Errorf("%s at %s: %d %v, %d messages, %v", path, n.ID(), res.StatusCode, res.Header, len(messages), trailer)
			}
			if want.reason != "" && res.Header.Get("Collective-Reason") != want.reason {
				t.Errorf("%s at %s: %v", path, n.ID(), res.Header)
			}
		}
		res, _, trailer := askText(t, n, testingv1connect.EchoServiceFailProcedure, fail, "X-Echo", "yes")
		if trailer["grpc-status-details-bin"] == "" || trailer["x-echo-trailer"] != "yes" || res.Header.Get("X-Echo-Header") != "yes" {
			t.Errorf("at %s: %v, %v", n.ID(), res.Header, trailer)
		}
		res, _, _ = askText(t, n, testingv1connect.EchoServiceEchoProcedure, fail, "Collective-Target", "nobody")
		if res.Header.Get("Grpc-Status") == "" || res.Header.Get("Collective-Reason") != "target_unknown" {
			t.Errorf("at %s: %v", n.ID(), res.Header)
		}
	}
}

// A request is one run of base64 or many, each with its padding, cut wherever the client liked.
func TestWebText_Requests(t *testing.T) {
	t.Parallel()
	a, b := pair(t, dispatcher.WithLimits(dispatcher.Limits{RequestBytes: 16 << 10}))
	const padding = 5000
	message := framed(mustMarshal(t, &testingv1.EchoRequest{Text: strings.Repeat("x", padding)}))
	want := mustMarshal(t, &testingv1.EchoResponse{Text: strings.Repeat("x", padding) + " on b"})
	large := framed(strings.Repeat("x", 16<<10+1))
	for name, tt := range map[string]struct {
		body   string
		status string // "" for success
		says   string
	}{
		"one run":            {body: inRuns(message, len(message))},
		"a run per byte":     {body: inRuns(message, 1)},
		"a run per 5 bytes":  {body: inRuns(message, 5)},
		"prefix and message": {body: inRuns(message[:5], 5) + inRuns(message[5:], len(message))},
		"cut in a group":     {inRuns(message, len(message))[:41], "3", "base64"},
		"line breaks":        {inRuns(message[:300], 300)[:76] + "\n\n\n\n" + inRuns(message[:300], 300)[76:], "3", "base64"},
		"another alphabet":   {"AAAA-___", "3", "base64"},
		"binary":             {message, "3", "base64"},
		"padding alone":      {"====", "3", "base64"},
		"too large":          {inRuns(large, len(large)), "8", ""},
		"announced alone":    {inRuns(large[:5], 5), "8", ""},
		"nothing":            {"", "12", ""},
	} {
		for _, n := range []node{a, b} {
			res, messages, trailer := askText(t, n, testingv1connect.EchoServiceEchoProcedure, tt.body)
			status, said := res.Header.Get("Grpc-Status")+trailer["grpc-status"], res.Header.Get("Grpc-Message")+trailer["grpc-message"]
			if tt.status == "" {
				if status != "0" || len(messages) != 1 || messages[0] != want {
					t.Errorf("%s at %s: %v, %v, %d messages", name, n.ID(), res.Header, trailer, len(messages))
				}
				continue
			}
			if status != tt.status || len(messages) != 0 || !strings.Contains(said, tt.says) {
				t.Errorf("%s at %s: status %q, want %q, says %q, %d messages", name, n.ID(), status, tt.status, said, len(messages))
			}
		}
	}
}

// Answers are text exactly for whom asks for text: by Accept, or else by how the request came.
func TestWebText_AnswersAsAsked(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	const text, binary = "application/grpc-web-text", "application/grpc-web"
	message := framed(mustMarshal(t, &testingv1.EchoRequest{Text: "hi"}))
	for _, tt := range []struct{ sent, accepts, want string }{
		{text, text, text},
		{text, "", text},
		{text, "*/*", text},
		{text, "application/json", text},
		{text, binary, binary},
		{text, binary + "+proto", binary},
		{text, binary + "," + text, text},
		{binary, text, text},
		{binary, "", binary},
		{binary, "*/*", binary},
		{binary, binary, binary},
		{binary, "text/plain, " + text + "+proto;q=1", text},
		{binary, binary + ", " + text, binary},
		{binary + "+proto", binary + "-texts", binary + "+proto"},
		{text + "+proto", text + "+proto", text + "+proto"},
		{"Application/gRPC-Web-Text+Proto; charset=utf-8", text, text + "+proto"},
	} {
		for _, n := range []node{a, b} {
			body := message
			if strings.Contains(strings.ToLower(tt.sent), "-text") {
				body = inRuns(message, len(message))
			}
			res, answer := post(t, "http://"+n.Address+testingv1connect.EchoServiceEchoProcedure, body, "Content-Type", tt.sent, "Accept", tt.accepts)
			if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != tt.want {
				t.Errorf("%+v at %s: %d, %q", tt, n.ID(), res.StatusCode, got)
			}
			if decoded := decodeRuns(answer); strings.HasPrefix(tt.want, text) {
				answer = decoded
			}
			if !strings.Contains(answer, "hi on b") || !strings.Contains(answer, "grpc-status: 0") {
				t.Errorf("%+v at %s: %q", tt, n.ID(), answer)
			}
		}
	}
}

func TestWebText_PagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	a, b := pair(t, dispatcher.WithCORSOrigins(app))
	body := inRuns(framed(mustMarshal(t, &testingv1.EchoRequest{Text: "hi"})), 100)
	for _, n := range []node{a, b} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://"+n.Address+testingv1connect.EchoServiceEchoProcedure, nil)
		if err != nil {
			t.Fatal(err)
		}
		asked := "collective-namespace,content-type,grpc-timeout,x-grpc-web,x-user-agent"
		res, _ := do(t, req, "Origin", app, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", asked)
		checkAllowed(t, "preflight", res.Header, app)
		if res.Header.Get("Access-Control-Allow-Headers") != asked {
			t.Errorf("at %s: %v", n.ID(), res.Header)
		}
		for origin, want := range map[string]int{app: http.StatusOK, "https://evil.example": http.StatusForbidden} {
			res, answer := post(t, "http://"+n.Address+testingv1connect.EchoServiceEchoProcedure, body, append(googleHeaders, "Origin", origin)...)
			if res.StatusCode != want || strings.Contains(decodeRuns(answer), "hi on b") != (want == http.StatusOK) {
				t.Errorf("%s at %s: %d %q", origin, n.ID(), res.StatusCode, answer)
			}
			checkAllowed(t, "call", res.Header, map[string]string{app: app}[origin])
		}
	}
}

// Compression is under the text, by messages.
func TestWebText_Compressed(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	request := squeeze(t, mustMarshal(t, &testingv1.EchoRequest{Padding: 4096}))
	body := framed(request)
	body = "\x01" + body[1:]
	_, messages, trailer := askText(t, a, testingv1connect.EchoServiceEchoProcedure, inRuns(body, len(body)), "Grpc-Encoding", "gzip", "Grpc-Accept-Encoding", "gzip")
	if len(messages) != 1 || trailer["grpc-status"] != "0" {
		t.Fatalf("%d messages, %v", len(messages), trailer)
	}
	if unsqueeze(t, messages[0]) != mustMarshal(t, &testingv1.EchoResponse{Text: " on b", Padding: make([]byte, 4096)}) {
		t.Errorf("%d bytes", len(messages[0]))
	}
}

// inRuns encodes data in runs of so many bytes, each with its padding.
func inRuns(data string, size int) string {
	var runs strings.Builder
	for len(data) > 0 {
		n := min(size, len(data))
		runs.WriteString(base64.StdEncoding.EncodeToString([]byte(data[:n])))
		data = data[n:]
	}
	return runs.String()
}

// decodeRuns decodes runs of base64, up to what is none.
func decodeRuns(text string) string {
	var data strings.Builder
	for len(text) >= 4 {
		group, err := base64.StdEncoding.DecodeString(text[:4])
		if err != nil {
			break
		}
		data.Write(group)
		text = text[4:]
	}
	return data.String()
}

func oneTransport(t *testing.T) *http.Transport {
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// askText makes a call as Google's client does, over HTTP/1.1.
func askText(t *testing.T, n node, path, body string, header ...string) (res *http.Response, messages []string, trailer map[string]string) {
	t.Helper()
	res = sendText(t, &http.Client{Transport: oneTransport(t)}, n, path, body, header...)
	defer res.Body.Close()
	messages, trailer = readText(t, res)
	return res, messages, trailer
}

func sendText(t *testing.T, client *http.Client, n node, path, body string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	header = append(googleHeaders[:len(googleHeaders):len(googleHeaders)], header...)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); got != "application/grpc-web-text" {
		t.Errorf("%s at %s: %d, content type %q", path, n.ID(), res.StatusCode, got)
	}
	return res
}

// readText reads the rest of an answer. trailer is nil if there is none in the body.
func readText(t *testing.T, res *http.Response) (messages []string, trailer map[string]string) {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	body := decodeRuns(string(text))
	if len(text)%4 != 0 || len(text) > 0 && body == "" {
		t.Fatalf("%q is not base64", text)
	}
	for len(body) >= 5 {
		message := first(body)
		if body[0]&0x80 != 0 {
			trailer = make(map[string]string)
			for line := range strings.SplitSeq(strings.TrimSuffix(message, "\r\n"), "\r\n") {
				name, value, _ := strings.Cut(line, ": ")
				trailer[name] = value
			}
		} else {
			messages = append(messages, message)
		}
		body = body[5+len(message):]
	}
	if body != "" {
		t.Errorf("the body ends with %q", body)
	}
	return messages, trailer
}
