package clienttest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// toolTime is how long a tool may take, which the first time means to build it.
const toolTime = 10 * time.Minute

// runTool runs a program that tools/go.mod pins, as `make` does, and returns what it printed. Go keeps the binary.
func runTool(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toolTime)
	defer cancel()
	program, err := exec.CommandContext(ctx, "go", "tool", "-modfile=../../tools/go.mod", "-n", name).Output()
	if err != nil {
		t.Fatalf("building %s: %v", name, err)
	}
	command := exec.CommandContext(ctx, strings.TrimSpace(string(program)), args...)
	command.Env = append(os.Environ(), "BUF_CACHE_DIR="+t.TempDir(), "NO_PROXY=*")
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	err = command.Run()
	return out.String(), problems.String(), err
}

// answersJSON runs a tool that must print one JSON message, however it is laid out.
func answersJSON(t *testing.T, want, name string, args ...string) {
	t.Helper()
	out, problems, err := runTool(t, name, args...)
	var got bytes.Buffer
	if err != nil || json.Compact(&got, []byte(out)) != nil || got.String() != want {
		t.Errorf("%s %s: %q, %v\n%s, want %s", name, strings.Join(args, " "), out, err, problems, want)
	}
}

const (
	echoMethod   = "collector.testing.v1.EchoService/Echo"
	echoQuestion = `{"text":"hi"}`
	echoAnswer   = `{"text":"hi on b"}`
)

// buf curl learns the schema by reflection and calls in the three protocols.
func TestBufCurl(t *testing.T) {
	_, b := startHost(t)
	for _, protocol := range []string{"connect", "grpc", "grpcweb"} {
		answersJSON(t, echoAnswer, "buf", "curl", "--protocol", protocol, "--http2-prior-knowledge", "-d", echoQuestion, "http://"+b+"/"+echoMethod)
	}
	answersJSON(t, echoAnswer, "buf", "curl", "-d", echoQuestion, "--reflect-protocol", "grpc-v1alpha", "--http2-prior-knowledge", "http://"+b+"/"+echoMethod)
	out, problems, err := runTool(t, "buf", "curl", "--http2-prior-knowledge", "--list-methods", "http://"+b)
	if err != nil || !strings.Contains(out, echoMethod) || !strings.Contains(out, "collector.CollectiveDispatcher/Dispatch") {
		t.Errorf("list of methods: %s, %v\n%s", out, err, problems)
	}
	out, problems, err = runTool(t, "buf", "curl", "--http2-prior-knowledge", "-d", `{"code":9,"message":"why"}`, "http://"+b+"/collector.testing.v1.EchoService/Fail")
	if err == nil || !strings.Contains(problems, `"failed_precondition"`) || !strings.Contains(problems, `"why"`) {
		t.Errorf("a handler's error: %s%s, %v", out, problems, err)
	}
}

// grpcurl lists, describes and calls what a collector serves, all stream kinds.
func TestGrpcurl(t *testing.T) {
	_, b := startHost(t)
	for _, tt := range []struct {
		args []string
		want string // a part of what is printed
	}{
		{[]string{b, "list"}, "collector.testing.v1.EchoService"},
		{[]string{b, "list", "collector.testing.v1.EchoService"}, "collector.testing.v1.EchoService.Converse"},
		{[]string{b, "describe", "collector.testing.v1.EchoService.Count"}, "stream .collector.testing.v1.CountResponse"},
		{[]string{b, "describe", "collector.testing.v1.EchoRequest"}, "string text = 1;"},
		{[]string{"-d", `{"number":1}{"number":41}`, b, "collector.testing.v1.EchoService/Collect"}, `"sum": "42"`},
		{[]string{"-d", `{"limit":2}`, b, "collector.testing.v1.EchoService/Count"}, `"number": "2"`},
		{[]string{"-d", `{"text":"one"}{"text":"two"}`, b, "collector.testing.v1.EchoService/Converse"}, "two on b"},
		{[]string{b, "grpc.health.v1.Health/Check"}, "SERVING"},
	} {
		out, problems, err := runTool(t, "grpcurl", append([]string{"-plaintext"}, tt.args...)...)
		if err != nil || !strings.Contains(out, tt.want) {
			t.Errorf("grpcurl %s: %s, %v\n%s, want %s", strings.Join(tt.args, " "), out, err, problems, tt.want)
		}
	}
	answersJSON(t, echoAnswer, "grpcurl", "-plaintext", "-d", echoQuestion, b, echoMethod)
	_, problems, err := runTool(t, "grpcurl", "-plaintext", "-d", `{"code":9,"message":"why"}`, b, "collector.testing.v1.EchoService/Fail")
	if err == nil || !strings.Contains(problems, "FailedPrecondition") || !strings.Contains(problems, "why") {
		t.Errorf("a handler's error: %s, %v", problems, err)
	}
}
