package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// badRequest is google.rpc.BadRequest as it comes over the wire: no generated code of it is in this binary.
func badRequest(field, description string) *connect.ErrorDetail {
	violation := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), field)
	violation = protowire.AppendString(protowire.AppendTag(violation, 2, protowire.BytesType), description)
	return &connect.ErrorDetail{
		Type: "google.rpc.BadRequest", Value: protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), violation),
	}
}

// detailed is a handler's failure with a message of its own schema, one of gRPC's and one that nobody knows.
func detailed(t *testing.T) error {
	t.Helper()
	order, err := connectproto.NewErrorDetail(&shopv1.Order{Id: "o-7", Sku: "tea", Qty: 2})
	if err != nil {
		t.Fatal(err)
	}
	return connect.NewError(connect.CodeFailedPrecondition, "sku is empty").WithDetail(order).
		WithDetail(badRequest("sku", "must \x1b[31mnot be empty")).
		WithDetail(&connect.ErrorDetail{Type: "nobody.knows.v1.This", Value: []byte{8, 1}})
}

func TestErrorDetailsAreShown(t *testing.T) {
	t.Parallel()
	server := newFakeWith(t, fakeMesh{}, fakeOrders{failed: detailed(t)})
	for _, protocol := range protocolWords {
		call := []string{"call", "OrderService/CreateOrder", "--protocol", protocol}
		got := shell{}.on(t, server, call...)
		got.expect(t, 73, "error: sku is empty  (failed_precondition)", `  shop.v1.Order {"id":"o-7","sku":"tea","qty":2}`,
			`  google.rpc.BadRequest {"fieldViolations":[{"field":"sku","description":"must `, "nobody.knows.v1.This (of a schema that is not known here) base64 CAE=")
		if strings.Contains(got.err, "\x1b") {
			t.Errorf("%s: a detail reaches the terminal unescaped: %q", protocol, got.err)
		}
		shell{}.on(t, server, append(call, "--allow-status")...).expect(t, 0, "# status 400: sku is empty", "# google.rpc.BadRequest {")
		shell{}.on(t, server, append(call, "--allow-status", "-q")...).expect(t, 0)
		checkDetails(t, shell{}.on(t, server, append(call, "--json")...))
	}
}

func checkDetails(t *testing.T, got ran) {
	t.Helper()
	var document struct {
		Error struct {
			Code    string
			Route   []string
			Details []struct {
				Type, Base64 string
				Value        map[string]any
			} `json:"error_details"`
		}
	}
	if err := json.Unmarshal([]byte(got.err), &document); err != nil || got.exit != 73 {
		t.Fatalf("exit %d, %v\n%s", got.exit, err, got.err)
	}
	details := document.Error.Details
	if len(details) != 3 || details[0].Type != "shop.v1.Order" || details[0].Value["qty"] != 2.0 ||
		details[1].Value["fieldViolations"] == nil || details[2].Base64 != "CAE=" || len(document.Error.Route) != 2 {
		t.Errorf("%+v", document.Error)
	}
}

// The details of a handler on another collector come through the mesh, by any protocol, and the local call has them too.
func TestErrorDetailsAcrossTheMesh(t *testing.T) {
	t.Parallel()
	a := meshtest.Serve(t, "a", []string{"shop"})
	b := meshtest.Serve(t, "b", []string{"shop"})
	err := b.Register("shop", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, meshtest.EchoService("b")) })
	if err != nil {
		t.Fatal(err)
	}
	if err := meshtest.Join(t.Context(), a.Dispatcher, b.Address, "shop", "/collector.testing.v1.EchoService/Fail"); err != nil {
		t.Fatal(err)
	}
	fail := []string{"call", "EchoService.Fail", "-d", `{"code":11,"message":"too far","detail":"by a mile"}`}
	const want = `  collector.testing.v1.FailRequest {"detail":"by a mile"}`
	for _, protocol := range protocolWords {
		shell{}.on(t, "http://"+a.Address, append(fail, "--protocol", protocol)...).
			expect(t, 75, "handled by b · a → b", "error: too far  (out_of_range)", want)
	}
	shell{}.on(t, "http://"+b.Address, append(fail, "--local", "--timeout", "0")...).expect(t, 75, "handled by b · b", want)
	shell{}.on(t, "http://"+a.Address, append(fail, "--local")...).expect(t, 2, "does not serve")
}

var protocolWords = []string{"connect", "grpc", "grpcweb"}

// Whatever gRPC's own details are called, they decode.
func TestWellKnownErrorDetails(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"BadRequest", "DebugInfo", "ErrorInfo", "Help", "LocalizedMessage", "PreconditionFailure", "QuotaFailure",
		"RequestInfo", "ResourceInfo", "RetryInfo", "Status",
	} {
		failed := connect.NewError(connect.CodeAborted, "no").WithDetail(&connect.ErrorDetail{Type: "google.rpc." + name})
		shell{}.on(t, newFake(t, fakeMesh{err: failed}), "status").expect(t, 74, "google.rpc."+name+" {}")
	}
	delay, err := proto.Marshal(durationpb.New(1500 * time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	delay = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), delay)
	failed := connect.NewError(connect.CodeUnavailable, "later").WithDetail(&connect.ErrorDetail{Type: "google.rpc.RetryInfo", Value: delay})
	shell{}.on(t, newFake(t, fakeMesh{err: failed}), "status").expect(t, 78, `google.rpc.RetryInfo {"retryDelay":"1.500s"}`)
}
