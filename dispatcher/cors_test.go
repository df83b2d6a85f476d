package dispatcher_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

const app = "https://app.example"

// page is what a browser adds to the requests of a page, and what it would be told.
type page struct {
	http.RoundTripper
	origin, site string
	status       int
	answer       http.Header
}

func (p *page) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range map[string]string{"Origin": p.origin, "Sec-Fetch-Site": p.site} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	res, err := p.RoundTripper.RoundTrip(r)
	if err == nil {
		p.status, p.answer = res.StatusCode, res.Header
	}
	return res, err
}

// checkAllowed judges the answer's headers. allowed is the origin that may read it, or "".
func checkAllowed(t *testing.T, what string, answer http.Header, allowed string) {
	t.Helper()
	if got := answer.Get("Access-Control-Allow-Origin"); got != allowed {
		t.Errorf("%s: allowed origin %q, want %q", what, got, allowed)
	}
	for name, values := range answer {
		if strings.HasPrefix(name, "Access-Control-") && (strings.Contains(strings.Join(values, ""), "*") || len(values) != 1) {
			t.Errorf("%s: %s: %v", what, name, values)
		}
	}
	if answer.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%s: credentials are allowed", what)
	}
}

func TestCORS_Preflight(t *testing.T) {
	t.Parallel()
	a, _ := pair(t, dispatcher.WithCORSOrigins(app, "http://localhost:5173"))
	const connectWeb, grpcWeb = "connect-protocol-version,content-type", "collective-namespace,collective-target,content-type,grpc-timeout,x-grpc-web,x-user-agent"
	for name, tt := range map[string]struct {
		origin, method, headers string
		allowed                 bool
	}{
		"connect":              {app, "POST", connectWeb, true},
		"connect with a token": {app, "POST", "authorization,connect-timeout-ms,content-type", true},
		"connect get":          {app, "GET", "", true},
		"grpc-web":             {"http://localhost:5173", "POST", grpcWeb, true},
		"another header":       {app, "POST", "content-type,x-secret", false},
		"another method":       {app, "DELETE", "content-type", false},
		"another port":         {"http://localhost:5174", "POST", connectWeb, false},
		"another scheme":       {"http://app.example", "POST", connectWeb, false},
		"a longer name":        {"https://app.example.evil.example", "POST", connectWeb, false},
		"no origin at all":     {"null", "POST", connectWeb, false},
	} {
		for _, path := range []string{testingv1connect.EchoServiceEchoProcedure, meshv1connect.MeshServiceGetStatusProcedure, "/no.Such/Method"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://"+a.Address+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Access-Control-Request-Headers", tt.headers)
			res, _ := do(t, req, "Origin", tt.origin, "Sec-Fetch-Site", "cross-site", "Access-Control-Request-Method", tt.method, "Access-Control-Request-Private-Network", "true")
			allowed := map[bool]string{true: tt.origin}[tt.allowed]
			checkAllowed(t, name, res.Header, allowed)
			if res.StatusCode != http.StatusNoContent || res.Header.Get("Access-Control-Allow-Headers") != map[bool]string{true: tt.headers}[tt.allowed] {
				t.Errorf("%s: %d %v", name, res.StatusCode, res.Header)
			}
			if tt.allowed && (res.Header.Get("Access-Control-Allow-Methods") != tt.method || res.Header.Get("Access-Control-Max-Age") != "7200") {
				t.Errorf("%s: %v", name, res.Header)
			}
			if !strings.Contains(res.Header.Get("Vary"), "Origin") {
				t.Errorf("%s: caches would mix up origins: %v", name, res.Header)
			}
		}
	}
}

// Calls of pages with generated clients: the listed ones are answered and may read who ran them, and those of others do
// not reach a handler. Programs that are no browsers notice nothing.
func TestCORS_Calls(t *testing.T) {
	t.Parallel()
	var ran atomic.Int32
	count := dispatcher.WithServerInterceptors(counting(&ran))
	a, b := pair(t, dispatcher.WithCORSOrigins(app), count)
	own := "http://" + a.Address
	for name, tt := range map[string]struct {
		page    page
		allowed string // to read the answer
		refused bool
	}{
		"listed":                {page{origin: app, site: "cross-site"}, app, false},
		"listed, old browser":   {page{origin: app}, app, false},
		"unlisted":              {page{origin: "https://evil.example", site: "cross-site"}, "", true},
		"unlisted, old browser": {page{origin: "https://evil.example"}, "", true},
		"another port here":     {page{origin: "http://127.0.0.1:1", site: "same-site"}, "", true},
		"sandboxed":             {page{origin: "null", site: "cross-site"}, "", true},
		"an image elsewhere":    {page{site: "cross-site"}, "", true},
		"own page":              {page{origin: own, site: "same-origin"}, "", false},
		"no browser":            {page{}, "", false},
	} {
		for _, entrance := range []node{a, b} {
			for protocol, opts := range protocols {
				if name == "own page" && entrance.ID() == "b" || strings.HasPrefix(protocol, "grpc ") || protocol == "grpc" {
					continue
				}
				what, before := name+" with "+protocol+" at "+entrance.ID(), ran.Load()
				asking := tt.page
				checkCalls(t, what, entrance, &asking, opts, tt.refused)
				checkAllowed(t, what, asking.answer, tt.allowed)
				if (ran.Load() == before) != tt.refused {
					t.Errorf("%s: %d calls came as far as a handler", what, ran.Load()-before)
				}
				exposed := asking.answer.Get("Access-Control-Expose-Headers")
				for _, header := range []string{"Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin", "Collective-Executor", "Collective-Route", "Collective-Reason"} {
					if strings.Contains(exposed, header) != (tt.allowed != "") {
						t.Errorf("%s: exposed headers %q", what, exposed)
					}
				}
			}
		}
	}
}

// checkCalls makes a unary call, one by GET, and a stream, which must all be refused or none.
func checkCalls(t *testing.T, what string, at node, asking *page, opts []connecthttp.Option, refused bool) {
	t.Helper()
	client := meshtest.HTTP2Client(t)
	asking.RoundTripper = client.Transport
	client.Transport = asking
	calls := testingv1connect.NewEchoServiceClient(connect.NewClient(connecthttp.NewTransport(client, "http://"+at.Address, append(opts, connecthttp.WithHTTPGet())...)))
	judge := func(call string, err error) {
		t.Helper()
		if code := connect.CodeOf(err); (err != nil) != refused || refused && (code != connect.CodePermissionDenied || asking.status != http.StatusForbidden) {
			t.Errorf("%s: %s: %v (%d)", what, call, err, asking.status)
		}
	}
	_, err := calls.Look(t.Context(), &testingv1.LookRequest{Text: "hi"})
	judge("GET", err)
	stream, err := calls.Count(t.Context(), &testingv1.CountRequest{Limit: 2})
	if err == nil {
		_, err = stream.Receive()
		_ = stream.Close()
	}
	judge("stream", err)
	_, err = calls.Echo(t.Context(), &testingv1.EchoRequest{Text: "hi"})
	judge("POST", err)
}

// A page that may call must not look at connections, or change them: whoever looks at it is anonymous.
func TestCORS_ListedPagesAreNoAdministrators(t *testing.T) {
	t.Parallel()
	guard, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	a, b := serve(t, "a", []string{"test"}, dispatcher.WithCORSOrigins(app), dispatcher.WithAccess(guard)), serve(t, "b", []string{"test"})
	client := meshtest.HTTP2Client(t)
	for _, asking := range []*page{{origin: app, site: "cross-site"}, {origin: app}} {
		asking.RoundTripper = meshtest.HTTP2Client(t).Transport
		client.Transport = asking
		mesh := meshv1connect.NewMeshServiceClient(connect.NewClient(connecthttp.NewTransport(client, "http://"+a.Address)))
		if _, err := mesh.ListServices(t.Context(), &meshv1.ListServicesRequest{}); err != nil {
			t.Error(err)
		}
		if _, err := mesh.GetStatus(t.Context(), &meshv1.GetStatusRequest{}); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%+v: %v", asking, err)
		}
		_, err := mesh.ConnectTo(t.Context(), &meshv1.ConnectToRequest{Address: b.Address})
		if connect.CodeOf(err) != connect.CodePermissionDenied || asking.status != http.StatusForbidden || len(a.Connections().ListConnections()) != 0 {
			t.Errorf("%+v: %v", asking, err)
		}
		checkAllowed(t, "ConnectTo", asking.answer, app) // it may read why
	}
}

// Who may read what this port answers is not for handlers on other collectors to say.
func TestCORS_HandlersElsewhereHaveNoSay(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}, dispatcher.WithCORSOrigins(app)), serve(t, "b", []string{"test"})
	if err := b.RegisterService("test", "S", "M", allowsAll); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", "/S/M")
	res, text := post(t, "http://"+a.Address+"/S/M", "{}", "Origin", app)
	if res.StatusCode != http.StatusOK {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	checkAllowed(t, "a call", res.Header, app)
}

func TestCORS_OriginsAreExact(t *testing.T) {
	t.Parallel()
	_, err := dispatcher.New("A!", "", nil, dispatcher.WithCORSOrigins(app, "*", "null"), dispatcher.WithCORSOrigins(app+"/page"))
	for _, want := range []string{"A!", `"*"`, `"null"`, `"https://app.example/page"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say what is wrong with %s", err, want)
		}
	}
}

func TestCORS_NoneIsTheDefault(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"}, dispatcher.WithCORSOrigins())
	a.hostEcho(t, "test")
	res, text := post(t, "http://"+a.Address+testingv1connect.EchoServiceEchoProcedure, "{}", "Origin", app)
	if res.StatusCode != http.StatusForbidden || !strings.Contains(text, "WithCORSOrigins") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	checkAllowed(t, "a call", res.Header, "")
}

func allowsAll(ctx context.Context, _ any) (any, error) {
	info, _ := connect.CallInfoForServerContext(ctx)
	info.ResponseHeader().Set("Access-Control-Allow-Origin", "*")
	info.ResponseTrailer().Set("Access-Control-Allow-Credentials", "true")
	return nil, nil
}

// counting counts the calls of the test service that came as far as an interceptor. Collectors call each other too.
func counting(calls *atomic.Int32) connect.ServerInterceptor {
	return func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			if strings.HasPrefix(spec.Procedure, "/"+testingv1connect.EchoServiceName+"/") {
				calls.Add(1)
			}
			return next(ctx, spec, stream)
		}
	}
}
