package dispatcher_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// callLog is the log of a collector, of which the lines about calls are looked at.
type callLog struct {
	mu    sync.Mutex
	text  bytes.Buffer
	level slog.LevelVar
}

func (l *callLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *callLog) option() dispatcher.Option {
	return dispatcher.WithLogger(slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: &l.level})))
}

// loggedCall is such a line.
type loggedCall struct {
	Level, Msg, Procedure, Namespace, Entrance, Caller, Executor, Code, Reason string
	Duration                                                                   int64
}

// calls are the lines about a procedure.
func (l *callLog) calls(t *testing.T, procedure string) []loggedCall {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []loggedCall
	for line := range strings.Lines(l.text.String()) {
		var c loggedCall
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if c.Msg == "call" && c.Procedure == procedure {
			found = append(found, c)
		}
	}
	return found
}

// Each call is one line at each collector that saw it, whatever entrance it took, and tells nobody's secrets.
func TestEveryCallIsLoggedAtDebug(t *testing.T) {
	t.Parallel()
	var logs [2]callLog
	for i := range logs {
		logs[i].level.Set(slog.LevelDebug)
	}
	a, b := serve(t, "a", []string{"test"}, logs[0].option()), serve(t, "b", []string{"test"}, logs[1].option())
	b.hostEcho(t, "test")
	join(t, a, b)
	const echo, fail = "/collector.testing.v1.EchoService/Echo", "/collector.testing.v1.EchoService/Fail"
	a.knows(t, "test", echo)

	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("Authorization", "Bearer hunter2")
	if _, err := a.client(t).Echo(ctx, &testingv1.EchoRequest{Text: "hunter2"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.client(t).Fail(t.Context(), &testingv1.FailRequest{Code: 5, Message: "hunter2", Detail: "hunter2"}); err == nil {
		t.Fatal("it did not fail")
	}
	if _, err := a.mesh("test").Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.rpc(t).Dispatch(t.Context(), &collector.DispatchRequest{Namespace: "test", Service: ref("EchoService"), MethodName: "Look"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.rpc(t).Serve(t.Context(), &collector.ServeRequest{Namespace: "nowhere", Service: ref("EchoService"), MethodName: "Look"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{}); err != nil {
		t.Fatal(err)
	}
	post(t, "http://"+a.Address+"/no.Such/"+strings.Repeat("x", 1000), "{}")

	expectLogged(t, &logs[0], echo, loggedCall{Entrance: "native", Namespace: "test", Executor: "b", Code: "ok", Caller: "127.0.0.1:"},
		loggedCall{Entrance: "process", Namespace: "test", Executor: "b", Code: "ok"})
	expectLogged(t, &logs[0], fail, loggedCall{Entrance: "native", Namespace: "test", Executor: "b", Code: "not_found", Caller: "127.0.0.1:"})
	expectLogged(t, &logs[0], "/collector.testing.v1.EchoService/Look", loggedCall{Entrance: "dispatch", Namespace: "test", Executor: "b", Code: "ok", Caller: "127.0.0.1:"})
	expectLogged(t, &logs[0], "/EchoService/Look", loggedCall{Entrance: "serve", Namespace: "nowhere", Executor: "a", Code: "not_found", Reason: "namespace_unknown", Caller: "127.0.0.1:"})
	expectLogged(t, &logs[0], "/collector.mesh.v1.MeshService/GetStatus", loggedCall{Entrance: "own", Executor: "a", Code: "ok", Caller: "127.0.0.1:"})
	expectLogged(t, &logs[0], "/no.Such/"+strings.Repeat("x", 256-len("/no.Such/"))+"…",
		loggedCall{Entrance: "native", Executor: "a", Code: "unimplemented", Reason: "method_unknown", Caller: "127.0.0.1:"})
	expectLogged(t, &logs[0], "/collector.CollectiveDispatcher/Dispatch")
	expectLogged(t, &logs[1], fail, loggedCall{Entrance: "link", Namespace: "test", Executor: "b", Code: "not_found", Caller: "a"})
	for i := range logs {
		if text := logs[i].text.String(); strings.Contains(text, "hunter2") {
			t.Errorf("a secret is in the log:\n%s", text)
		}
	}
}

func expectLogged(t *testing.T, log *callLog, procedure string, want ...loggedCall) {
	t.Helper()
	got := log.calls(t, procedure)
	if len(got) != len(want) {
		t.Errorf("%s: %d lines, want %d: %+v", procedure, len(got), len(want), got)
		return
	}
	for i, line := range got {
		if !strings.HasPrefix(line.Caller, want[i].Caller) || line.Duration <= 0 || line.Level != "DEBUG" {
			t.Errorf("%s: %+v", procedure, line)
		}
		line.Caller, line.Duration, line.Level, line.Msg, line.Procedure = want[i].Caller, 0, "", "", ""
		if line != want[i] {
			t.Errorf("%s: %+v, want %+v", procedure, line, want[i])
		}
	}
}

// The level may be changed while the collector runs; above debug no call is logged.
func TestCallsAreLoggedWhenTheLevelSaysSo(t *testing.T) {
	t.Parallel()
	var log callLog
	a := serve(t, "a", []string{"test"}, log.option())
	a.hostEcho(t, "test")
	const echo = "/collector.testing.v1.EchoService/Echo"
	for range 2 {
		if _, err := a.client(t).Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
			t.Fatal(err)
		}
		log.level.Set(slog.LevelDebug)
	}
	expectLogged(t, &log, echo, loggedCall{Entrance: "native", Namespace: "test", Executor: "a", Code: "ok", Caller: "127.0.0.1:"})
}
