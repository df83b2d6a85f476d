package dispatcher_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/mesh"
)

// steering are response headers that a peer has no say in, and one that is an application's own.
var steering = map[string]string{
	"Set-Cookie": "session=stolen", "Set_cookie": "session=stolen", "Clear-Site-Data": `"*"`, "Strict-Transport-Security": "max-age=1",
	"Public-Key-Pins": "x", "Content-Security-Policy": "default-src *", "Content-Security-Policy-Report-Only": "x", "Alt-Svc": `h2="evil:443"`,
	"Service-Worker-Allowed": "/", "Location": "https://evil", "Refresh": "0;url=https://evil", "Www-Authenticate": "Basic",
	"Cross-Origin-Opener-Policy": "unsafe-none", "X-Accel-Redirect": "/etc/passwd", "X-Sendfile": "/etc/passwd", "Report-To": "{}",
}

const ownAnswer = "X-Own"

// steered hosts /S/M, which answers with all of them, in headers and in trailers.
func (n node) steered(t *testing.T) {
	t.Helper()
	if err := n.RegisterService("test", "S", "M", func(ctx context.Context, _ any) (any, error) {
		info, _ := connect.CallInfoForServerContext(ctx)
		for name, value := range steering {
			info.ResponseHeader().Set(name, value)
			info.ResponseTrailer().Set(name, value)
		}
		info.ResponseHeader().Set(ownAnswer, "1")
		return wrapperspb.String("x"), nil
	}); err != nil {
		t.Fatal(err)
	}
}

// crossed are the names of steering headers in an answer, sorted. net/http tells of a trailer by a name with a prefix, and
// Connect by another one.
func crossed(answers ...http.Header) (names []string) {
	for _, header := range answers {
		for name := range steering {
			for _, spelled := range []string{name, "Trailer-" + name, http.TrailerPrefix + name} {
				if len(header.Values(spelled)) > 0 && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestSteeringHeaders_DoNotCrossFromAPeer(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string][]dispatcher.Option{"": nil, "Set-Cookie": {dispatcher.WithForwardedCookies()}} {
		a, b := serve(t, "a", []string{"test"}, opts...), serve(t, "b", []string{"test"})
		b.steered(t)
		join(t, a, b)
		a.knows(t, "test", "/S/M")
		for path, body := range map[string]string{
			"/S/M": `{}`, "/ns/test/S/M": `{}`,
			collectorconnect.CollectiveDispatcherDispatchProcedure: `{"namespace":"test","service":{"serviceName":"S"},"methodName":"M"}`,
		} {
			res, text := post(t, "http://"+a.Address+path, body)
			if res.StatusCode != http.StatusOK || res.Header.Get(ownAnswer) == "" && path == "/S/M" {
				t.Fatalf("%s: %d %s %v", path, res.StatusCode, text, res.Header)
			}
			got := crossed(res.Header, res.Trailer)
			if want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %v crossed, want %q", path, got, want)
			}
			if res, _ := post(t, "http://"+b.Address+path, body); !slices.Contains(crossed(res.Header), "Set-Cookie") {
				t.Errorf("%s where it is registered: only %v", path, crossed(res.Header))
			}
		}
	}
}

// A request in two namespaces is in none, wherever it comes in.
func TestNamespaceConflict(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	program := dial(t, a.Address, "test")
	conflicts := func(ctx context.Context) context.Context {
		ctx, info := connect.NewClientContext(ctx)
		info.RequestHeader().Set(mesh.HeaderNamespace, "other")
		return ctx
	}
	for name, client := range map[string]testingv1connect.EchoServiceClient{
		"Transport":         testingv1connect.NewEchoServiceClient(connect.NewClient(a.Transport("test"))),
		"a dialled program": echoOf(program, "test"),
	} {
		_, err := client.Echo(conflicts(t.Context()), &testingv1.EchoRequest{})
		if mesh.ReasonOf(err) != mesh.ReasonNamespaceConflict || connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	requests := map[string]string{
		"/ns/test" + testingv1connect.EchoServiceEchoProcedure: `{}`, "/ns/test/no.such.Service/Method": `{}`,
		"/ns/test/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": ``,
	}
	for path, body := range requests {
		res, text := post(t, "http://"+a.Address+path, body, mesh.HeaderNamespace, "other")
		if res.StatusCode != http.StatusBadRequest || res.Header.Get(mesh.HeaderReason) != string(mesh.ReasonNamespaceConflict) {
			t.Errorf("%s: %d %v %s", path, res.StatusCode, res.Header, text)
		}
	}
	envelopes := a.rpc(t)
	dispatched, err := envelopes.Dispatch(conflicts(t.Context()), &collector.DispatchRequest{
		Namespace: "test", Service: ref("EchoService"), MethodName: "Echo", Input: pack(t, &testingv1.EchoRequest{}),
	})
	if err != nil || dispatched.GetStatus().GetDetails()["reason"] != string(mesh.ReasonNamespaceConflict) {
		t.Errorf("Dispatch: %v, %v", dispatched.GetStatus(), err)
	}
	served, err := envelopes.Serve(conflicts(t.Context()), &collector.ServeRequest{
		Namespace: "test", Service: ref("EchoService"), MethodName: "Echo", Input: pack(t, &testingv1.EchoRequest{}),
	})
	if err != nil || served.GetStatus().GetDetails()["reason"] != string(mesh.ReasonNamespaceConflict) {
		t.Errorf("Serve: %v, %v", served.GetStatus(), err)
	}
}

// A cookie that a browser sends stops where the call enters, or goes to peers where that is wanted; a handler here has it anyway.
func TestForwardedCookies(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string][]dispatcher.Option{"": nil, "session=1": {dispatcher.WithForwardedCookies()}} {
		a, b := serve(t, "a", []string{"test"}, opts...), serve(t, "b", []string{"test"})
		cookies := make(chan string, 1)
		must(t, b.RegisterService("test", "S", "M", func(ctx context.Context, _ any) (any, error) {
			info, _ := connect.CallInfoForServerContext(ctx)
			cookies <- info.RequestHeader().Get("Cookie")
			return wrapperspb.String("x"), nil
		}))
		join(t, a, b)
		a.knows(t, "test", "/S/M")
		for path, body := range map[string]string{
			"/S/M": `{}`, collectorconnect.CollectiveDispatcherDispatchProcedure: `{"namespace":"test","service":{"serviceName":"S"},"methodName":"M"}`,
		} {
			for n, sent := range map[node]string{a: want, b: "session=1"} {
				if res, text := post(t, "http://"+n.Address+path, body, "Cookie", "session=1"); res.StatusCode != http.StatusOK {
					t.Fatalf("%s: %d %s", path, res.StatusCode, text)
				}
				if got := <-cookies; got != sent {
					t.Errorf("%s at %s: the handler got the cookie %q, want %q", path, n.ID(), got, sent)
				}
			}
		}
	}
}
