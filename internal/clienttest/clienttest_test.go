package clienttest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/internal/clienttest/gen/collector"
	testingv1 "github.com/collectiverpc/collective/internal/clienttest/gen/collector/testing/v1"
)

func buildHost(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "host")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./host").CombinedOutput(); err != nil {
		t.Fatalf("building the host: %v\n%s", err, out)
	}
	return program
}

// startHost builds and runs the host and returns where its collectors listen.
func startHost(t *testing.T) (a, b string) {
	t.Helper()
	command := exec.Command(buildHost(t)) //nolint:noctx // it ends with its standard input
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("host: %v", err)
		}
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the host said nothing: %v", err)
	}
	if _, err := fmt.Sscan(line, &a, &b); err != nil {
		t.Fatalf("the host said %q: %v", line, err)
	}
	return a, b
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Whichever collector is asked, the handler on b answers, and the answer is the same.
func TestForeignClients(t *testing.T) {
	a, b := startHost(t)
	for name, address := range map[string]string{"asked a": a, "asked b": b} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, address)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			t.Run("grpc-go, dispatch", func(t *testing.T) { dispatch(ctx, t, collector.NewCollectiveDispatcherClient(conn)) })
			t.Run("grpc-go, unary", func(t *testing.T) { unary(ctx, t, testingv1.NewEchoServiceClient(conn)) })
			t.Run("grpc-go, error", func(t *testing.T) { failure(ctx, t, testingv1.NewEchoServiceClient(conn)) })
			t.Run("grpc-go, streams", func(t *testing.T) { streams(ctx, t, testingv1.NewEchoServiceClient(conn)) })
			t.Run("curl", func(t *testing.T) { curl(ctx, t, address) })
		})
	}
}

func dispatch(ctx context.Context, t *testing.T, client collector.CollectiveDispatcherClient) {
	for service, message := range map[string][2]proto.Message{
		"Greeter":     {wrapperspb.String("bob"), wrapperspb.String("hello bob from b")},
		"EchoService": {&testingv1.EchoRequest{Text: "hi"}, &testingv1.EchoResponse{Text: "hi on b"}},
	} {
		method := map[string]string{"Greeter": "Greet", "EchoService": "Echo"}[service]
		input, err := anypb.New(message[0])
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Dispatch(ctx, &collector.DispatchRequest{
			Namespace: "test", Service: &collector.ServiceTypeRef{ServiceName: service}, MethodName: method, Input: input,
		})
		if err != nil {
			t.Fatal(err)
		}
		output, err := anypb.New(message[1])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(output, res.GetOutput(), protocmp.Transform()); diff != "" || res.GetHandledByCollectorId() != "b" || res.GetStatus().GetCode() != 200 {
			t.Errorf("%s: %v (-want +got):\n%s", service, res, diff)
		}
	}
}

func unary(ctx context.Context, t *testing.T, client testingv1.EchoServiceClient) {
	ctx = metadata.AppendToOutgoingContext(ctx, "x-echo", "hello")
	var header, trailer metadata.MD
	res, err := client.Echo(ctx, &testingv1.EchoRequest{Text: "hi"}, grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil || res.GetText() != "hi on b" {
		t.Fatalf("%v, %v", res, err)
	}
	got := []string{strings.Join(header.Get("x-echo-header"), ","), strings.Join(trailer.Get("x-echo-trailer"), ","), strings.Join(header.Get("collective-executor"), ",")}
	if diff := cmp.Diff([]string{"hello", "hello", "b"}, got); diff != "" {
		t.Errorf("header, trailer, executor (-want +got):\n%s", diff)
	}
}

func failure(ctx context.Context, t *testing.T, client testingv1.EchoServiceClient) {
	_, err := client.Fail(ctx, &testingv1.FailRequest{Code: int32(codes.FailedPrecondition), Message: "why", Detail: "more"})
	got := status.Convert(err)
	if got.Code() != codes.FailedPrecondition || got.Message() != "why" || len(got.Details()) != 1 {
		t.Fatalf("%v", err)
	}
	if diff := cmp.Diff(&testingv1.FailRequest{Detail: "more"}, got.Details()[0], protocmp.Transform()); diff != "" {
		t.Errorf("detail (-want +got):\n%s", diff)
	}
}

func streams(ctx context.Context, t *testing.T, client testingv1.EchoServiceClient) {
	collect, err := client.Collect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(10) {
		if err := collect.Send(&testingv1.CollectRequest{Number: n}); err != nil {
			t.Fatal(err)
		}
	}
	if res, err := collect.CloseAndRecv(); err != nil || res.GetSum() != 45 {
		t.Errorf("Collect: %v, %v", res, err)
	}
	count, err := client.Count(ctx, &testingv1.CountRequest{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n <= 3; n++ {
		if res, err := count.Recv(); err != nil || res.GetNumber() != n {
			t.Fatalf("Count: %v, %v", res, err)
		}
	}
	if _, err := count.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("Count ends with %v", err)
	}
	converse, err := client.Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		if err := converse.Send(&testingv1.ConverseRequest{Text: text}); err != nil {
			t.Fatal(err)
		}
		if res, err := converse.Recv(); err != nil || res.GetText() != text+" on b" {
			t.Fatalf("Converse: %v, %v", res, err)
		}
	}
}

// curl calls with JSON over HTTP/1.1, as people do.
func curl(ctx context.Context, t *testing.T, address string) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl here")
	}
	for path, message := range map[string][2]string{
		"/collector.testing.v1.EchoService/Echo": {`{"text":"hi"}`, `{"text":"hi on b"}`},
		"/Greeter/Greet": {`{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"bob"}`,
			`{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"hello bob from b"}`},
	} {
		out, err := exec.CommandContext(ctx, "curl", "--silent", "--fail-with-body", "--http1.1", "--noproxy", "*", "-H", "Content-Type: application/json",
			"-d", message[0], "http://"+address+path).CombinedOutput()
		if got := strings.ReplaceAll(string(out), `, "`, `,"`); err != nil || strings.ReplaceAll(got, `": "`, `":"`) != message[1] {
			t.Errorf("%s: %s, %v", path, out, err)
		}
	}
	out, err := exec.CommandContext(ctx, "curl", "--silent", "--noproxy", "*", "-H", "Content-Type: application/json", "-d", `{"namespace":"test","service":{"serviceName":"EchoService"},"methodName":"Eko"}`,
		"http://"+address+"/collector.CollectiveDispatcher/Dispatch").CombinedOutput()
	if err != nil || !strings.Contains(string(out), `near: Echo`) || !strings.Contains(string(out), "404") {
		t.Errorf("Dispatch of an unknown method: %s, %v", out, err)
	}
}
