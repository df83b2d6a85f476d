package dispatcher_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
)

// names authenticates `Bearer NAME` as the user of that name and API keys as services; `Bearer bad` is refused.
type names struct{}

func (names) Authenticate(_ context.Context, c *access.Credentials) (*access.Principal, error) {
	name, bearer := strings.CutPrefix(c.Authorization, "Bearer ")
	switch {
	case name == "bad":
		return nil, errors.New("the token is not believed")
	case bearer:
		return access.NewPrincipal(access.KindUser, name)
	case c.APIKey != "":
		return access.NewPrincipal(access.KindService, c.APIKey)
	}
	return nil, nil
}

// ruled starts a collector with a policy, at which names are authenticated. What a call of /S/M finds of its caller it sends.
func ruled(t *testing.T, id, cedar string, opts ...dispatcher.Option) (node, <-chan *access.Caller) {
	t.Helper()
	n := serve(t, id, []string{"test"}, append(opts, meshtest.Policy(t, cedar, access.WithAuthenticator(names{})))...)
	return n, n.telling(t)
}

// telling hosts /S/M, which tells who calls.
func (n node) telling(t *testing.T) <-chan *access.Caller {
	t.Helper()
	callers := make(chan *access.Caller, 16)
	if err := n.RegisterService("test", "S", "M", func(ctx context.Context, _ any) (any, error) {
		c, _ := access.CallerFromContext(ctx)
		if p, ok := access.PrincipalFromContext(ctx); !ok || p != c.Principal {
			t.Errorf("the principal of %v is %v", c, p)
		}
		callers <- c
		return wrapperspb.String("x"), nil
	}); err != nil {
		t.Fatal(err)
	}
	return callers
}

const (
	onlyAlice = `@id("alice-calls") permit (principal == User::"alice", action == Action::"call", resource == Method::"S/M");`
	envelope  = `{"namespace":"test","service":{"serviceName":"S"},"methodName":"M"}`
)

// Principals, by what they show.
var shows = map[string][]string{
	`User::"alice"`: {"Authorization", "Bearer alice"}, `User::"mallory"`: {"Authorization", "Bearer mallory"},
	`Service::"cron"`: {"X-Api-Key", "cron"}, `Anonymous::"anonymous"`: nil,
}

// Dispatch, Serve, a dialled program and a link decide as the native path does.
func TestAccess_OtherEntrances(t *testing.T) {
	t.Parallel()
	b, callers := ruled(t, "b", onlyAlice)
	front := serve(t, "a", []string{"test"}, meshtest.Policy(t, `permit (principal, action, resource);`, access.WithAuthenticator(names{})))
	join(t, b, front) // b dialled a, so it knows to whom it listens
	front.knows(t, "test", "/S/M")
	program := dial(t, b.Address, "test")
	for principal, header := range shows {
		for name, do := range map[string]func() error{
			"Dispatch": func() error {
				return envelopeError(t, b, collectorconnect.CollectiveDispatcherDispatchProcedure, header)
			},
			"Serve":       func() error { return envelopeError(t, b, collectorconnect.CollectiveDispatcherServeProcedure, header) },
			"over a link": func() error { return nativeError(t, front, header) },
			"Dispatch, link": func() error {
				return envelopeError(t, front, collectorconnect.CollectiveDispatcherDispatchProcedure, header)
			},
			"a program": func() error {
				ctx, info := connect.NewClientContext(t.Context())
				if header != nil {
					info.RequestHeader().Set(header[0], header[1])
				}
				client := connect.NewClient(program.Transport("test"))
				spec := connect.Spec{Procedure: "/S/M"}
				return client.CallUnary(ctx, spec, wrapperspb.String(""), new(wrapperspb.StringValue))
			},
		} {
			err := do()
			if principal != `User::"alice"` {
				if err == nil {
					<-callers
					t.Errorf("%s: a call of %s ran", name, principal)
				} else if !strings.Contains(err.Error(), "policy_denied") && !strings.Contains(err.Error(), "unauthenticated") && mesh.ReasonOf(err) == "" {
					t.Errorf("%s: %s is refused by %v", name, principal, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %s: %v", name, principal, err)
				continue
			}
			c := <-callers
			via := map[bool]string{true: "a"}[strings.Contains(name, "link")]
			if c.String() != principal || c.Via != via || c.Network != access.NetworkLoopback {
				t.Errorf("%s: the caller is %v, %+v", name, c, c.Origin)
			}
		}
	}
}

func nativeError(t *testing.T, n node, header []string) error {
	res, text := post(t, "http://"+n.Address+"/S/M", `{}`, header...)
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return errors.New(res.Header.Get(mesh.HeaderReason) + " " + text)
}

func envelopeError(t *testing.T, n node, procedure string, header []string) error {
	if res, text := post(t, "http://"+n.Address+procedure, envelope, header...); res.StatusCode != http.StatusOK || !strings.Contains(text, `"output"`) {
		return errors.New(text)
	}
	return nil
}

// At every entrance a credential that is sent twice is refused for what it is: who reads the first and who reads the last would
// take it for those of two callers.
func TestAccess_CredentialsSentTwice(t *testing.T) {
	t.Parallel()
	b, _ := ruled(t, "b", onlyAlice)
	for _, header := range []string{"Authorization", "X-Api-Key"} {
		for _, path := range []string{
			"/S/M", "/ns/test/S/M", "/collector.CollectiveDispatcher/Dispatch", "/collector.CollectiveDispatcher/Serve",
			"/collector.mesh.v1.MeshService/GetStatus", "/collector.mesh.v1.OperatorService/WhoAmI", "/grpc.health.v1.Health/Check",
		} {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.Address+path, strings.NewReader("{}"))
			req.Header[header] = []string{"Bearer alice", "Bearer alice"}
			res, text := do(t, req)
			if res.StatusCode != http.StatusUnauthorized || res.Header.Get(mesh.HeaderReason) != string(mesh.ReasonCredentialsRepeated) || !strings.Contains(text, header) {
				t.Errorf("%s, two headers %s: %d %v %s", path, header, res.StatusCode, res.Header, text)
			}
		}
		client, err := dispatcher.Dial(t.Context(), b.Address, []string{"test"}, dispatcher.WithLogger(slog.New(slog.DiscardHandler)))
		must(t, err)
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Add(header, "Bearer alice")
		info.RequestHeader().Add(header, "Bearer alice")
		_, err = echoOf(client, "test").Echo(ctx, &testingv1.EchoRequest{})
		if mesh.ReasonOf(err) != mesh.ReasonCredentialsRepeated {
			t.Errorf("over the link of a program that dialled, two headers %s: %v", header, err)
		}
		must(t, client.Close())
	}
}

// Nobody is another by what anybody can send.
func TestAccess_NoForgery(t *testing.T) {
	t.Parallel()
	b, callers := ruled(t, "b", onlyAlice)
	for _, header := range [][]string{
		{"X-Forwarded-For", "127.0.0.1"}, {"Forwarded", `for=127.0.0.1;by=alice`}, {"Collective-Caller", "1 User alice process plain"},
		{"Collective-Principal", `User::"alice"`}, {"X-Forwarded-User", "alice"}, {"Authorization", "bad"},
	} {
		if res, text := post(t, "http://"+b.Address+"/S/M", `{}`, header...); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%v: %d %s", header, res.StatusCode, text)
		}
	}
	unproven := serve(t, "a", []string{"test"}, meshtest.Policy(t, `permit (principal, action, resource);`, access.WithAuthenticator(names{})))
	join(t, unproven, b) // b has only a's word for who it is
	unproven.knows(t, "test", "/S/M")
	if err := nativeError(t, unproven, shows[`User::"alice"`]); err == nil {
		t.Errorf("b believed an unproven peer that %v calls", <-callers)
	}
}

// A handler's context has the caller however the call came, and an API key goes no further than the entrance.
func TestAccess_HandlersSeeTheirCaller(t *testing.T) {
	t.Parallel()
	a, callers := ruled(t, "a", `permit (principal, action, resource);`)
	if err := connect.NewClient(a.Transport("test")).CallUnary(t.Context(), connect.Spec{Procedure: "/S/M"}, wrapperspb.String(""), new(wrapperspb.StringValue)); err != nil {
		t.Fatal(err)
	}
	if c := <-callers; c.String() != `Collector::"a"` || c.Network != access.NetworkProcess {
		t.Errorf("a call of the program itself is %v's, from %+v", c, c.Origin)
	}
	keys := make(chan string, 1)
	if err := a.RegisterService("test", "S", "Keys", func(ctx context.Context, _ any) (any, error) {
		info, _ := connect.CallInfoForServerContext(ctx)
		keys <- info.RequestHeader().Get("X-Api-Key")
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	post(t, "http://"+a.Address+"/S/Keys", `{}`, "X-Api-Key", "cron")
	if key := <-keys; key != "" {
		t.Errorf("a handler got the API key %q", key)
	}
}

// Who may neither call nor describe learns no name; who may observe reads which policy decided, and the caller does not.
func TestAccess_WhatIsTold(t *testing.T) {
	t.Parallel()
	a, _ := ruled(t, "a", `@id("no-mallory") forbid (principal == User::"mallory", action == Action::"call", resource);
		@id("rest") permit (principal is User, action in [Action::"call", Action::"observe"], resource);`)
	for _, path := range []string{"/S/M", "/S/NoSuch", "/no.Such/M", "/ns/nowhere/S/M"} {
		res, text := post(t, "http://"+a.Address+path, `{}`, "Authorization", "Bearer mallory")
		if res.StatusCode != http.StatusForbidden || strings.Contains(text, "no-mallory") || strings.Contains(text, "near") {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
	_, text := post(t, "http://"+a.Address+"/collector.mesh.v1.MeshService/ListDispatches", `{"filter":{"procedure":"S/M","principal":"User::\"mallory\""}}`,
		"Authorization", "Bearer alice")
	if !strings.Contains(text, string(mesh.ReasonPolicyDenied)) || !strings.Contains(text, "no-mallory") || !strings.Contains(text, `"namespace":"test"`) {
		t.Errorf("the history has %s", text)
	}
}

// The health of the collector itself is for load balancers, which show nothing; every other one is described.
func TestAccess_HealthOfTheCollectorIsOpen(t *testing.T) {
	t.Parallel()
	a, _ := ruled(t, "a", onlyAlice)
	const check = "/grpc.health.v1.Health/Check"
	if res, text := post(t, "http://"+a.Address+check, `{}`); res.StatusCode != http.StatusOK || !strings.Contains(text, "SERVING") {
		t.Errorf("the collector: %d %s", res.StatusCode, text)
	}
	if res, text := post(t, "http://"+a.Address+check, `{"service":"S"}`); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a service: %d %s", res.StatusCode, text)
	}
}

// What a peer serves counts where the policy grants it, from the moment that it does.
func TestAccess_Grants(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "policy.cedar")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`permit (principal is Anonymous, action == Action::"call", resource);`)
	guard, err := access.New(access.WithPolicyFile(file))
	if err != nil {
		t.Fatal(err)
	}
	a, b := serve(t, "a", []string{"test"}, dispatcher.WithAccess(guard)), serve(t, "b", []string{"test"})
	callers := b.telling(t)
	join(t, a, b)
	a.knows(t, "test", "/S/M") // it was told
	target := []string{mesh.HeaderTarget, "b"}
	for _, header := range [][]string{nil, target} {
		if err := nativeError(t, a, header); err == nil {
			t.Fatal("a peer serves that may not")
		}
	}
	explained := a.Explain(&meshv1.ExplainRouteRequest{Namespace: "test", ServiceName: "S", MethodName: "M"})
	if explained.GetReason() != string(mesh.ReasonMethodUnknown) {
		t.Errorf("explained as %v", explained)
	}
	write(`permit (principal is Anonymous, action == Action::"call", resource);
		permit (principal == Collector::"b", action == Action::"serve", resource == Namespace::"test");`)
	if err := guard.Reload(); err != nil {
		t.Fatal(err)
	}
	for _, header := range [][]string{nil, target} {
		if err := nativeError(t, a, header); err != nil {
			t.Fatal(err)
		}
		<-callers
	}
}

// A program that asks in its own process is itself.
func TestAccess_ProcessDispatches(t *testing.T) {
	t.Parallel()
	a, callers := ruled(t, "a", onlyAlice)
	res, err := a.Dispatch(t.Context(), &collector.DispatchRequest{Namespace: "test", Service: ref("S"), MethodName: "M"})
	if err != nil || res.GetStatus().GetCode() != http.StatusOK {
		t.Fatalf("%v, %v", res, err)
	}
	if c := <-callers; c.Network != access.NetworkProcess {
		t.Errorf("the caller is %v", c)
	}
}

// A policy says how often, and the refusal when to call again.
func TestAccess_Rates(t *testing.T) {
	t.Parallel()
	a, callers := ruled(t, "a", `@id("slow") @rate("1/h") @burst("2") permit (principal == User::"alice", action == Action::"call", resource);`)
	for range 2 {
		if err := nativeError(t, a, shows[`User::"alice"`]); err != nil {
			t.Fatal(err)
		}
		<-callers
	}
	res, text := post(t, "http://"+a.Address+"/S/M", `{}`, shows[`User::"alice"`]...)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get(mesh.HeaderReason) != string(mesh.ReasonRateLimited) || !strings.Contains(text, "google.rpc.RetryInfo") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

// Streams are decided before their first message, here and on a peer, and their handlers know who calls.
func TestAccess_Streams(t *testing.T) {
	t.Parallel()
	permits := `permit (principal == User::"alice", action == Action::"call", resource in Namespace::"test");
		permit (principal == Collector::"b", action == Action::"serve", resource == Namespace::"test");`
	b, _ := ruled(t, "b", permits)
	front, _ := ruled(t, "a", permits)
	seen := make(chan *access.Caller, 4)
	err := b.RegisterDynamic("test", testingv1.File_collector_testing_v1_testing_proto.Services().ByName("EchoService"),
		func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
			c, _ := access.CallerFromContext(ctx)
			seen <- c
			return connect.NewError(connect.CodeAborted, "seen")
		})
	if err != nil {
		t.Fatal(err)
	}
	join(t, b, front)
	front.knows(t, "test", testingv1connect.EchoServiceConverseProcedure)
	for _, n := range []node{b, front} {
		for name, code := range map[string]connect.Code{"alice": connect.CodeAborted, "mallory": connect.CodePermissionDenied} {
			ctx, info := connect.NewClientContext(t.Context())
			info.RequestHeader().Set("Authorization", "Bearer "+name)
			stream, err := n.client(t, connecthttp.WithGRPC()).Converse(ctx)
			if err == nil {
				_ = stream.Send(&testingv1.ConverseRequest{})
				_, err = stream.Receive()
				_ = stream.Close()
			}
			if connect.CodeOf(err) != code {
				t.Errorf("%s at %s: %v", name, n.ID(), err)
			}
			if connect.CodeOf(err) == connect.CodeAborted {
				if c := <-seen; c.String() != `User::"alice"` {
					t.Errorf("at %s the caller is %v", n.ID(), c)
				}
			}
		}
	}
}
