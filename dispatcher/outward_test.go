package dispatcher_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// What any server would answer alike looks alike: no detail that a client would have to know.
func TestNative_FailuresOfAnyServerHaveNoDetail(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	for path, want := range map[string]struct {
		status  int
		timeout string
		reason  string
	}{
		"/collector.testing.v1.EchoService/Nope":         {http.StatusNotFound, "1000", "method_unknown"},
		"/nobody.has.This/Method":                        {http.StatusNotFound, "1000", "method_unknown"},
		testingv1connect.EchoServiceEchoProcedure:        {http.StatusGatewayTimeout, "0", "deadline"},
		"/ns/nope/collector.testing.v1.EchoService/Echo": {http.StatusNotFound, "1000", "namespace_unknown"},
	} {
		res, text := post(t, "http://"+a.address+path, "{}", "Connect-Timeout-Ms", want.timeout)
		if res.StatusCode != want.status || res.Header.Get("Collective-Reason") != want.reason {
			t.Errorf("%s: %d for %q, want %d for %q: %s", path, res.StatusCode, res.Header.Get("Collective-Reason"), want.status, want.reason, text)
		}
		if detailed := strings.Contains(text, "CallFailure"); detailed != (want.reason == "namespace_unknown") {
			t.Errorf("%s: %s", path, text)
		}
	}
}

// The handler's own verdict is never taken for the mesh's.
func TestNative_HandlersKeepTheirDetails(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	own := connect.NewError(connect.CodeUnimplemented, "not here").WithDetail(&connect.ErrorDetail{Type: "google.protobuf.Empty"})
	if err := b.RegisterService("test", "S", "M", func(context.Context, any) (any, error) { return nil, own }); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", "/S/M")
	res, text := post(t, "http://"+a.address+"/S/M", "{}")
	if res.StatusCode != http.StatusNotImplemented || res.Header.Get("Collective-Reason") != "" || !strings.Contains(text, "google.protobuf.Empty") {
		t.Errorf("%d %v: %s", res.StatusCode, res.Header, text)
	}
}

// What is wrong with a request stream is told, not that the relay gave up for it.
func TestNative_UnreadableStreamsSayWhy(t *testing.T) {
	t.Parallel()
	const limit = 16 << 10
	a, _ := pair(t, dispatcher.WithLimits(dispatcher.Limits{RequestBytes: limit}))
	client := a.client(t)
	for range 200 {
		exerciseBigInStream(t, client, strings.Repeat("x", limit+1))
	}
}
