package clienttest_test

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/clienttest/gen/collector"
	testingv1 "github.com/collectiverpc/collective/internal/clienttest/gen/collector/testing/v1"
)

// startKept runs a host whose registry is in a file and returns where it listens, and what kills it as kill -9 does.
func startKept(t *testing.T, program, db string) (address string, kill func()) {
	t.Helper()
	command := exec.Command(program, db) //nolint:noctx // it is killed
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = command.Process.Kill()
		_ = input.Close()
		_ = command.Wait()
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the host said nothing: %v", err)
	}
	return strings.TrimSpace(line), kill
}

func echoFile() *descriptorpb.FileDescriptorProto {
	return protodesc.ToFileDescriptorProto(testingv1.File_collector_testing_v1_testing_proto)
}

// grpc-go registers a service. The answers about it are the same after the process was killed, and by grpc-go as by
// curl; what is wrong has the code and the details of the contract.
func TestRegistry(t *testing.T) {
	program := buildHost(t)
	db := filepath.Join(t.TempDir(), "state.db")
	address, kill := startKept(t, program, db)
	client := collector.NewCollectorRegistryClient(dial(t, address))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	for _, namespace := range []string{"blue", "green", "red"} {
		res, err := client.RegisterService(ctx, &collector.RegisterServiceRequest{
			Namespace: namespace, ServiceDescriptor: echoFile().GetService()[0], FileDescriptor: echoFile(),
		})
		if err != nil || res.GetServiceId() != namespace+"/collector.testing.v1.EchoService" || res.GetStatus().GetCode() != 200 {
			t.Fatalf("%v, %v", res, err)
		}
	}
	refusals(ctx, t, client)
	before := known(ctx, t, client)
	kill()

	address, _ = startKept(t, program, db)
	client = collector.NewCollectorRegistryClient(dial(t, address))
	if diff := cmp.Diff(before, known(ctx, t, client), protocmp.Transform()); diff != "" {
		t.Errorf("after kill -9 (-before +after):\n%s", diff)
	}
	sameByCurl(ctx, t, address, "LookupService", `{"namespace":"blue","serviceName":"EchoService","includeFiles":true}`, before.Lookup)
	sameByCurl(ctx, t, address, "ListServices", `{}`, before.List)
}

// sameByCurl wants an answer over JSON to be the one that grpc-go got.
func sameByCurl[M proto.Message](ctx context.Context, t *testing.T, address, method, body string, want M) {
	t.Helper()
	got := want.ProtoReflect().New().Interface()
	out := curlJSON(ctx, t, address, "/collector.CollectorRegistry/"+method, body)
	if err := protojson.Unmarshal(out, got); err != nil {
		t.Errorf("%s: %v\n%s", method, err, out)
	}
	if diff := cmp.Diff(proto.Message(want), got, protocmp.Transform()); diff != "" {
		t.Errorf("%s (-grpc-go +curl):\n%s", method, diff)
	}
}

// answers are what a registry says about what is registered.
type answers struct {
	Lookup *collector.LookupServiceResponse
	Valid  *collector.ValidateMethodResponse
	List   *collector.ListServicesResponse
}

func known(ctx context.Context, t *testing.T, client collector.CollectorRegistryClient) answers {
	t.Helper()
	lookup, err := client.LookupService(ctx, &collector.LookupServiceRequest{Namespace: "blue", ServiceName: "EchoService", IncludeFiles: true})
	if err != nil {
		t.Fatal(err)
	}
	valid, err := client.ValidateMethod(ctx, &collector.ValidateMethodRequest{Namespace: "blue", ServiceName: "EchoService", MethodName: "Echo"})
	if err != nil || !valid.GetIsValid() {
		t.Fatalf("%v, %v", valid, err)
	}
	valid.Revision = 0 // it has grown after a restart
	list := new(collector.ListServicesResponse)
	for token := ""; ; { // a page for each
		page, err := client.ListServices(ctx, &collector.ListServicesRequest{PageSize: 1, PageToken: token})
		if err != nil || len(page.GetServices()) != 1 {
			t.Fatalf("%v, %v", page, err)
		}
		list.Status, list.Services = page.GetStatus(), append(list.GetServices(), page.GetServices()...)
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(list.GetServices()) != 3 {
		t.Errorf("%d services on all pages", len(list.GetServices()))
	}
	return answers{lookup, valid, list}
}

// refusals are what the contract says of requests that are not accepted.
func refusals(ctx context.Context, t *testing.T, client collector.CollectorRegistryClient) {
	t.Helper()
	for _, namespace := range []string{"system", "system.x", "system/connections"} {
		_, err := client.RegisterService(ctx, &collector.RegisterServiceRequest{
			Namespace: namespace, ServiceDescriptor: echoFile().GetService()[0], FileDescriptor: echoFile(),
		})
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("namespace %s: %v", namespace, err)
		}
	}
	broken := echoFile()
	broken.Service[0].Method = broken.GetService()[0].GetMethod()[1:]
	_, err := client.RegisterProto(ctx, &collector.RegisterProtoRequest{Namespace: "blue", FileDescriptor: broken})
	refused := status.Convert(err)
	if refused.Code() != codes.FailedPrecondition || len(refused.Details()) != 1 {
		t.Fatalf("a method is gone: %v", err)
	}
	report, ok := refused.Details()[0].(*collector.SchemaReport)
	if !ok || report.GetChanges()[0].GetElement() != "collector.testing.v1.EchoService.Echo" || !report.GetChanges()[0].GetBreaking() {
		t.Errorf("detail %v", refused.Details()[0])
	}
	_, err = client.LookupService(ctx, &collector.LookupServiceRequest{Namespace: "blue", ServiceName: "Nope"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("unknown service: %v", err)
	}
}

func curlJSON(ctx context.Context, t *testing.T, address, path, body string) []byte {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl here")
	}
	out, err := exec.CommandContext(ctx, "curl", "--silent", "--fail-with-body", "--http1.1", "--noproxy", "*", "-H", "Content-Type: application/json",
		"-d", body, fmt.Sprintf("http://%s%s", address, path)).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v %s", path, err, out)
	}
	return out
}
