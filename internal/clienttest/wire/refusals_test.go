package wire_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn/carrier"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// refusal is a call that fails, wherever it is refused.
type refusal struct {
	name   string
	code   connect.Code
	path   string   // by default a method that there is, in the namespace that there is
	fields []string // of the request, name and value by turns
	// encoding and timeout are for the headers that the protocol has for them.
	encoding, timeout string
	message           proto.Message
	body              []byte // in place of a message
	contentType       string // behind the protocol's own up to the codec
	only              func(p protocol) bool
}

func framed(p protocol) bool { return p.framed }

func hasCodecs(p protocol) bool { return strings.HasPrefix(p.contentType, "application/grpc") }

// refusals of a method that answers, unary or as a stream.
func refusals(method string) []refusal {
	failing, panicking := proto.Message(&testingv1.EchoRequest{Text: "fail"}), proto.Message(&testingv1.EchoRequest{Text: "panic"})
	if method == "Count" {
		failing, panicking = &testingv1.CountRequest{Limit: 1}, &testingv1.CountRequest{Limit: 2}
	}
	return []refusal{
		{name: "handler's error", code: connect.CodeAborted, message: failing},
		{name: "handler's panic", code: connect.CodeInternal, message: panicking},
		{name: "interceptor's error", code: connect.CodeUnauthenticated, fields: []string{"x-refuse", "1"}},
		{name: "unknown method", code: connect.CodeUnimplemented, path: service + "Nope"},
		{name: "unknown method in a namespace", code: connect.CodeUnimplemented, path: "/ns/test" + service + "Nope"},
		{name: "unknown service", code: connect.CodeUnimplemented, path: "/no.Such/Method"},
		{name: "no procedure", code: connect.CodeInvalidArgument, path: "/ns/test/what"},
		{name: "unknown method of the collector", code: connect.CodeUnimplemented, path: "/collector.CollectiveDispatcher/Nope"},
		{name: "no method of the collector", code: connect.CodeUnimplemented, path: "/collector.CollectiveDispatcher/"},
		{name: "unknown namespace", code: connect.CodeNotFound, path: "/ns/nowhere" + service + method},
		{name: "unknown namespace in the header", code: connect.CodeNotFound, path: service + method, fields: []string{"collective-namespace", "nowhere"}},
		{name: "header and prefix differ", code: connect.CodeInvalidArgument, fields: []string{"collective-namespace", "blue"}},
		{name: "ambiguous namespace", code: connect.CodeFailedPrecondition, path: "/Twice/Do", only: func(p protocol) bool { return method == "Echo" }},
		{name: "unknown target", code: connect.CodeNotFound, fields: []string{"collective-target", "nobody"}},
		{name: "target without the method", code: connect.CodeUnimplemented, fields: []string{"collective-target", "a"}},
		{name: "target with another schema", code: connect.CodeFailedPrecondition, fields: []string{"collective-target", "odd"}},
		{name: "nobody is reachable", code: connect.CodeUnavailable, path: "/ns/test/Gone/Do", only: func(p protocol) bool { return method == "Echo" }},
		{name: "not registered", code: connect.CodeNotFound, path: "/ns/test/Denied/Do", only: func(p protocol) bool { return method == "Echo" }},
		{name: "too large", code: connect.CodeResourceExhausted, body: make([]byte, limit+1)},
		{name: "announced too large", code: connect.CodeResourceExhausted, body: []byte("\x00\x7f\xff\xff\xffabc"), only: framed},
		{name: "malformed", code: connect.CodeInvalidArgument, body: []byte("\xff\xff")},
		{name: "no message", code: connect.CodeUnimplemented, body: []byte{}, only: framed},
		{name: "unknown compression", code: connect.CodeUnimplemented, encoding: "deflate"},
		{name: "unknown codec", code: connect.CodeUnimplemented, contentType: "thrift", only: hasCodecs},
		{name: "large headers", code: connect.CodeResourceExhausted, fields: []string{"x-large", strings.Repeat("x", 100<<10)}},
		{name: "deadline past", code: connect.CodeDeadlineExceeded, timeout: "0"},
		{name: "bad deadline", code: connect.CodeInvalidArgument, timeout: "soon"},
	}
}

// request makes the request of a refusal in a protocol.
func (r refusal) request(p protocol, method string) (path string, body []byte, fields []string) {
	contentType := p.contentType
	if r.contentType != "" {
		contentType = contentType[:strings.LastIndexByte(contentType, '+')+1] + r.contentType
	}
	fields = append([]string{"content-type", contentType, "te", "trailers"}, r.fields...)
	if r.encoding != "" {
		fields = append(fields, p.encoding, r.encoding)
	}
	switch {
	case r.timeout == "0" && hasCodecs(p):
		fields = append(fields, p.timeout, "1n")
	case r.timeout != "":
		fields = append(fields, p.timeout, r.timeout)
	}
	path = r.path
	if path == "" {
		path = "/ns/test" + service + method
	}
	switch {
	case r.message != nil:
		encoded, err := proto.Marshal(r.message)
		if err != nil {
			panic(err)
		}
		return path, p.body(encoded), fields
	case r.name == "announced too large" || r.body != nil && len(r.body) == 0:
		return path, r.body, fields
	}
	return path, p.body(r.body), fields
}

func (r refusal) try(t *testing.T, c *meshtest.Collector, p protocol, method string) {
	t.Helper()
	if r.only != nil && !r.only(p) {
		return
	}
	path, body, fields := r.request(p, method)
	answered := connectTo(t, c.Address).call(t, path, body, fields...)
	if err := p.judge(answered, r.code); err != nil {
		t.Errorf("%s, %s, asked %s: %v\n%v %q", r.name, p.name, c.ID(), err, answered.blocks, answered.body)
	}
}

// Whatever refuses a call, before and behind the choice of who runs it, its answer has the form that the protocol has
// for a failed call, for unary methods and for streams. Proxies drop the status of gRPC otherwise.
func TestRefusals(t *testing.T) {
	t.Parallel()
	a, b := newMesh(t)
	for method, protocols := range map[string][]protocol{"Echo": {grpc, grpcWeb, unary}, "Count": {grpc, grpcWeb, stream}} {
		for _, r := range refusals(method) {
			for _, p := range protocols {
				r.try(t, a, p, method)
				r.try(t, b, p, method)
			}
		}
	}
}

// What a collector that was just started does not know yet is refused in the same forms.
func TestRefusals_NotKnownYet(t *testing.T) {
	t.Parallel()
	c := newForgetful(t)
	r := refusal{name: "not known yet", code: connect.CodeUnavailable, path: service + "Echo"}
	for _, p := range []protocol{grpc, grpcWeb, unary, stream} {
		r.try(t, c, p, "Echo")
	}
}

// The services of the collector itself refuse in the same forms.
func TestRefusals_OfTheCollectorsOwnServices(t *testing.T) {
	t.Parallel()
	c := serve(t, "a", meshtest.Permissive())
	general := []refusal{
		{name: "interceptor's error", code: connect.CodeUnauthenticated, fields: []string{"x-refuse", "1"}},
		{name: "too large", code: connect.CodeResourceExhausted, body: make([]byte, limit+1)},
		{name: "malformed", code: connect.CodeInvalidArgument, body: []byte("\xff\xff")},
		{name: "unknown compression", code: connect.CodeUnimplemented, encoding: "deflate"},
		{name: "unknown codec", code: connect.CodeUnimplemented, contentType: "thrift", only: hasCodecs},
		{name: "large headers", code: connect.CodeResourceExhausted, fields: []string{"x-large", strings.Repeat("x", 100<<10)}},
		{name: "bad deadline", code: connect.CodeInvalidArgument, timeout: "soon"},
	}
	for _, p := range []protocol{grpc, grpcWeb, stream} {
		refusal{name: "of a link", code: connect.CodeUnimplemented, path: carrier.CarryPath, encoding: "deflate"}.try(t, c, p, "")
	}
	const own = "/collector.CollectiveDispatcher/"
	for path, protocols := range map[string][]protocol{
		own + "Dispatch": {grpc, grpcWeb, unary}, own + "Serve": {grpc, grpcWeb, unary}, own + "Connect": {grpc, grpcWeb, unary},
		"/collector.mesh.v1.MeshService/GetStatus": {grpc, grpcWeb, unary}, "/collector.mesh.v1.MeshService/Watch": {grpc, grpcWeb, stream},
		"/grpc.health.v1.Health/Check": {grpc, grpcWeb, unary}, "/grpc.health.v1.Health/Watch": {grpc, grpcWeb, stream},
	} {
		for _, r := range general {
			r.path, r.name = path, r.name+" at "+path
			for _, p := range protocols {
				r.try(t, c, p, "")
			}
		}
	}
}

// What an anonymous caller may not do by itself is refused in the same forms, before its message is looked at.
func TestRefusals_Denied(t *testing.T) {
	t.Parallel()
	c := serve(t, "a")
	for path, protocols := range map[string][]protocol{
		"/collector.mesh.v1.MeshService/GetStatus": {grpc, grpcWeb, unary}, "/collector.mesh.v1.MeshService/Watch": {grpc, grpcWeb, stream},
	} {
		for _, p := range protocols {
			refusal{name: "denied", code: connect.CodePermissionDenied, path: path, body: []byte("\xff\xff")}.try(t, c, p, "")
		}
	}
}

// A collector that has said goodbye to its peers refuses what it can no longer forward.
func TestRefusals_ShuttingDown(t *testing.T) {
	t.Parallel()
	a, _ := newMesh(t)
	must(t, a.Shutdown(t.Context()))
	for _, p := range []protocol{grpc, grpcWeb, unary} {
		refusal{name: "shutting down", code: connect.CodeUnavailable, fields: []string{"collective-target", "b"}}.try(t, a, p, "Echo")
	}
}

// What is no call is refused as HTTP has it.
func TestRefusals_NoCall(t *testing.T) {
	t.Parallel()
	c := serve(t, "a")
	answered := connectTo(t, c.Address).call(t, "/", nil, "content-type", "text/plain")
	if got := answered.blocks[0].get(":status"); got != "404" || !strings.HasPrefix(string(answered.body), "404: ") {
		t.Errorf("%s %q", got, answered.body)
	}
}
