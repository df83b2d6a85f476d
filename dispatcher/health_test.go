package dispatcher_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/meshtest"
)

// asked posts a message to a method of the health service and returns the status and the answer without its spaces.
func (n node) asked(t *testing.T, method, message string) (int, string) {
	t.Helper()
	res := n.posted(t, method, "application/json", message)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.ReplaceAll(string(body), " ", "")
}

func (n node) posted(t *testing.T, method, contentType, message string) *http.Response {
	t.Helper()
	url := "http://" + n.Address + "/grpc.health.v1.Health/" + method
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	res, err := meshtest.HTTP2Client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// watching is a stream of Watch over the Connect protocol, in JSON.
type watching struct{ body io.Reader }

func (n node) watchHealth(t *testing.T, service string) watching {
	t.Helper()
	return watching{n.posted(t, "Watch", "application/connect+json", framed(`{"service":"`+service+`"}`)).Body}
}

func framed(message string) string {
	return string(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))) + message //nolint:gosec // short
}

// next is the next message, or how the stream ended.
func (w watching) next(t *testing.T) string {
	t.Helper()
	head := make([]byte, 5)
	if _, err := io.ReadFull(w.body, head); err != nil {
		t.Fatal(err)
	}
	message := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(w.body, message); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(message), " ", "")
}

func TestHealth_CheckAndList(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	if code, body := a.asked(t, "Check", `{"service":"`+string(echoName)+`"}`); code != http.StatusNotFound || !strings.Contains(body, `"not_found"`) {
		t.Errorf("unknown: %d %s", code, body)
	}
	b.hostEcho(t, "test")
	join(t, a, b)
	a.knows(t, "test", "/"+string(echoName)+"/Echo")
	for _, service := range []string{"", string(echoName), "collector.CollectiveDispatcher", "grpc.health.v1.Health"} {
		if code, body := a.asked(t, "Check", `{"service":"`+service+`"}`); code != http.StatusOK || body != `{"status":"SERVING"}` {
			t.Errorf("%q: %d %s", service, code, body)
		}
	}
	if code, body := a.asked(t, "List", `{}`); code != http.StatusOK || !strings.Contains(body, `"":{"status":"SERVING"}`) ||
		!strings.Contains(body, `"`+string(echoName)+`":{"status":"SERVING"}`) {
		t.Errorf("List: %d %s", code, body)
	}
}

// Watch follows a registration here, and ends when the collector shuts down.
func TestHealth_Watch(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	echo, process := a.watchHealth(t, string(echoName)), a.watchHealth(t, "")
	expect := func(w watching, want string) {
		t.Helper()
		if got := w.next(t); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	expect(process, `{"status":"SERVING"}`)
	expect(echo, `{"status":"SERVICE_UNKNOWN"}`)
	a.hostEcho(t, "test")
	expect(echo, `{"status":"SERVING"}`)
	a.Unregister("test", string(echoName))
	expect(echo, `{"status":"SERVICE_UNKNOWN"}`)
	if err := a.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, w := range []watching{echo, process} {
		expect(w, `{"status":"NOT_SERVING"}`)
		expect(w, `"unavailable"`)
	}
	if code, body := a.asked(t, "Check", `{}`); code != http.StatusOK || body != `{"status":"NOT_SERVING"}` {
		t.Errorf("after Shutdown: %d %s", code, body)
	}
}

// List answers up to 10 000 services, and refuses more with what to do instead.
func TestHealth_ListIsBounded(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	register := func(from, to int) {
		t.Helper()
		err := a.Register("test", func(s *connect.Server) {
			for i := from; i < to; i++ {
				s.Register(connect.Method{
					Spec:    connect.Spec{Procedure: fmt.Sprintf("/pkg.Service%d/Do", i), StreamType: connect.StreamTypeUnary},
					Handler: func(context.Context, connect.Spec, connect.ServerStream) error { return nil },
				})
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	register(0, 9_900)
	if code, body := a.asked(t, "List", `{}`); code != http.StatusOK || strings.Count(body, `"SERVING"`) < 9_900 {
		t.Errorf("9 900 services: %d, %d of them serving", code, strings.Count(body, `"SERVING"`))
	}
	register(9_900, 10_001)
	if code, body := a.asked(t, "List", `{}`); code != http.StatusTooManyRequests || !strings.Contains(body, "morethan10000") || !strings.Contains(body, "CheckorWatch") {
		t.Errorf("10 001 services: %d %.200s", code, body)
	}
}

// A service that only a peer has is watched without asking again: the link's changes are enough.
func TestHealth_WatchesPeers(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	b.hostEcho(t, "test")
	watch := a.watchHealth(t, string(echoName))
	if got := watch.next(t); got != `{"status":"SERVICE_UNKNOWN"}` {
		t.Errorf("before: %s", got)
	}
	join(t, a, b)
	if got := watch.next(t); got != `{"status":"SERVING"}` {
		t.Errorf("joined: %s", got)
	}
	if err := b.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := watch.next(t); got == `{"status":"SERVING"}` {
		t.Errorf("after the peer left: %s", got)
	}
}

// A collector answers for its health itself, so nobody may register that.
func TestHealth_BelongsToTheCollector(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	err := a.RegisterService("test", "grpc.health.v1.Health", "Check", func(context.Context, any) (any, error) { return nil, nil })
	if err == nil || !strings.Contains(err.Error(), "belongs to the collector itself") {
		t.Errorf("err = %v", err)
	}
}

// Browsers ask over gRPC-Web, of which unary and server-streaming methods are all that they can have.
func TestHealth_OverGRPCWeb(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	b.hostEcho(t, "test")
	join(t, a, b)
	a.knows(t, "test", "/"+string(echoName)+"/Echo")
	request := framed("\x0a" + string(rune(len(echoName))) + string(echoName)) // HealthCheckRequest{service: echoName}
	for _, method := range []string{"Check", "Watch"} {
		res := a.posted(t, method, "application/grpc-web+proto", request)
		got := make([]byte, 5+2)
		if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != framed("\x08\x01") { // status: SERVING
			t.Errorf("%s: %x, %v", method, got, err)
		}
	}
	if got := trailersOf(t, a.posted(t, "Check", "application/grpc-web+proto", request)); !strings.Contains(strings.ReplaceAll(got, " ", ""), "grpc-status:0") {
		t.Errorf("trailers: %q", got)
	}
}

// trailersOf is the last frame of a gRPC-Web answer with one message.
func trailersOf(t *testing.T, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil || len(body) < 7+5 {
		t.Fatalf("%x, %v", body, err)
	}
	return strings.ToLower(string(body[7+5:]))
}
