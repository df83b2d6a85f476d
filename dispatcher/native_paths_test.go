package dispatcher_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// A namespace in the base URL of a generated client is all it needs, in every protocol and by GET.
func TestNative_NamespaceInTheBaseURL(t *testing.T) {
	t.Parallel()
	namespaces := []string{"blue", "green"}
	a, b := serve(t, "a", namespaces), serve(t, "b", namespaces)
	a.hostEcho(t, "blue")
	b.hostEcho(t, "green")
	join(t, a, b)
	a.knows(t, "green", testingv1connect.EchoServiceEchoProcedure)
	for namespace, executor := range map[string]string{"blue": "a", "green": "b"} {
		prefixed := node{&meshtest.Collector{Dispatcher: a.Dispatcher, Address: a.Address + "/ns/" + namespace}}
		for name, opts := range protocols {
			t.Run(name+" in "+namespace, func(t *testing.T) {
				t.Parallel()
				exerciseStreams(t, prefixed.client(t, opts...), executor)
				ctx, _ := connect.NewClientContext(t.Context())
				res, err := prefixed.client(t, append(opts[:len(opts):len(opts)], connecthttp.WithHTTPGet())...).Look(ctx, &testingv1.LookRequest{Text: "hi"})
				if err != nil || res.GetText() != "hi on "+executor {
					t.Errorf("%v, %v", res, err)
				}
				info, ok := connecthttp.ClientInfoForContext(ctx)
				if byGet := ok && info.HTTPMethod() == http.MethodGet; byGet != strings.HasPrefix(name, "connect") {
					t.Errorf("by GET: %v", byGet)
				}
			})
		}
	}
}

// What is registered, taken away, and registered anew as another kind of method is there, gone and different for the
// next call, here and through a peer, on connections that stay open.
func TestNative_FollowsRegistration(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	join(t, a, b)
	const service, procedure = "collector.testing.v1.EchoService", testingv1connect.EchoServiceEchoProcedure
	serving := func() int { return len(a.Connections().Table().Serving("test", procedure)) }
	clients := make(map[string]testingv1connect.EchoServiceClient)
	for name, opts := range protocols {
		clients[name+" at a"], clients[name+" at b"] = a.client(t, opts...), b.client(t, opts...)
	}
	for range 3 {
		for name, client := range clients {
			if _, err := client.Echo(t.Context(), &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeUnimplemented {
				t.Errorf("%s, before: %v", name, err)
			}
		}
		b.hostEcho(t, "test")
		a.knows(t, "test", procedure)
		for name, client := range clients {
			if res, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: "hi"}); err != nil || res.GetText() != "hi on b" {
				t.Errorf("%s: %v, %v", name, res, err)
			}
		}
		b.Unregister("test", service)
		a.waitFor(t, "the end of the service", func() bool { return serving() == 0 })
		if err := b.RegisterService("test", service, "Echo", func(_ context.Context, in any) (any, error) { return in, nil }); err != nil {
			t.Fatal(err)
		}
		a.knows(t, "test", procedure)
		for _, n := range []node{a, b} {
			res, text := post(t, "http://"+n.Address+procedure, `{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"untyped"}`)
			if res.StatusCode != http.StatusOK || !strings.Contains(text, "untyped") {
				t.Errorf("untyped at %s: %d %s", n.ID(), res.StatusCode, text)
			}
		}
		b.UnregisterMethod("test", service, "Echo")
		a.waitFor(t, "the end of the method", func() bool { return serving() == 0 })
	}
}

// Requests that two readers could take for different ones do not come as far as a handler.
func TestNative_MalformedHeaders(t *testing.T) {
	t.Parallel()
	p := newWatchedPair(t, clock{})
	const good = "Content-Type: application/json\r\nContent-Length: 2\r\n"
	for name, header := range map[string]string{
		"a NUL in a value":              "Host: x\r\nX-A: a\x00b\r\n" + good,
		"a bare CR in a value":          "Host: x\r\nX-A: a\rX-B: b\r\n" + good,
		"a space in a name":             "Host: x\r\nX A: b\r\n" + good,
		"a space before the colon":      "Host: x\r\nX-A : b\r\n" + good,
		"no name":                       "Host: x\r\n: b\r\n" + good,
		"no host":                       good,
		"two hosts":                     "Host: x\r\nHost: y\r\n" + good,
		"two lengths":                   "Host: x\r\nContent-Length: 3\r\n" + good,
		"a negative length":             "Host: x\r\nContent-Type: application/json\r\nContent-Length: -1\r\n",
		"an encoding of bodies unknown": "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n" + good,
	} {
		for _, n := range []node{p.a, p.b} {
			if status := rawPost(t, n, header); status != http.StatusBadRequest && status != http.StatusNotImplemented {
				t.Errorf("%s at %s: %d", name, n.ID(), status)
			}
		}
	}
	for _, n := range []node{p.a, p.b} {
		if status := rawPost(t, n, "Host: x\r\n"+good); status != http.StatusOK {
			t.Errorf("without anything odd at %s: %d", n.ID(), status)
		}
	}
}

// rawPost sends a header as it is, with the body `{}`.
func rawPost(t *testing.T, n node, header string) int {
	t.Helper()
	conn, err := net.Dial("tcp", n.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\n%s\r\n{}", testingv1connect.EchoServiceEchoProcedure, header)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}
