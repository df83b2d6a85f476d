package conn_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

func TestConnectToRefuses(t *testing.T) {
	t.Parallel()
	a := start(t, "a", []string{"users"})
	_, port, _ := net.SplitHostPort(a.address)
	webServer := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(webServer.Close)
	tests := []struct {
		name, address string
		namespaces    []string
		code          connect.Code
		says          []string
	}{
		{"its own address", a.address, nil, connect.CodeInvalidArgument, []string{`"a" cannot connect to itself`, "give the address of another"}},
		{"itself by another name", "localhost:" + port, nil, connect.CodeInvalidArgument, []string{`"a" cannot connect to itself`}},
		{"a web server", webServer.Listener.Addr().String(), nil, connect.CodeFailedPrecondition, []string{"is not a collector", "404", "check the address and the port"}},
		{"not HTTP", talker(t, "220 mail.example ESMTP\r\n"), nil, connect.CodeFailedPrecondition, []string{"is not a collector"}},
		{"hangs up", talker(t, ""), nil, connect.CodeFailedPrecondition, []string{"is not a collector"}},
		{"endless headers", talker(t, "HTTP/1.1 101 Hm\r\n"+strings.Repeat("X: y\r\n", 10_000)), nil, connect.CodeFailedPrecondition, []string{"is not a collector"}},
		{"a redirect", redirector(t, a.address), nil, connect.CodeFailedPrecondition, []string{"is not a collector", "307"}},
		{"a dead address", deadAddress, nil, connect.CodeUnavailable, []string{"no collector listens at 127.0.0.1:", "connection refused", "start it there"}},
		{"an unknown host", "collector.invalid:50051", nil, connect.CodeUnavailable, []string{"collector.invalid:50051 is not known", "correct the name"}},
		{"no port", "127.0.0.1", nil, connect.CodeInvalidArgument, []string{"is not host:port", "like 127.0.0.1:50051"}},
		{"no host", ":50051", nil, connect.CodeInvalidArgument, []string{"is not host:port"}},
		{"port 0", "127.0.0.1:0", nil, connect.CodeInvalidArgument, []string{"is not host:port"}},
		{"nothing", "", nil, connect.CodeInvalidArgument, []string{"is not host:port"}},
		{"a namespace that is none", deadAddress, []string{"us ers"}, connect.CodeInvalidArgument, []string{`namespace "us ers"`, "a-z"}},
		{"a reserved namespace", deadAddress, []string{"system"}, connect.CodePermissionDenied, []string{`"system" is reserved`}},
		{"plaintext beyond loopback", "192.0.2.1:50051", nil, connect.CodeFailedPrecondition, []string{"without TLS only loopback", "configure TLS"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer, err := a.ConnectTo(t.Context(), tt.address, tt.namespaces)
			if answer != nil || connect.CodeOf(err) != tt.code {
				t.Fatalf("%v, %v; want %v", answer, err, tt.code)
			}
			for _, says := range tt.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
		})
	}
	t.Cleanup(func() {
		if n := len(a.ListConnections()); n != 0 {
			t.Errorf("refusals left %d connections", n)
		}
	})
}

// talker accepts connections, says something and hangs up.
func talker(t *testing.T, says string) (address string) {
	t.Helper()
	listener := listen(t)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			bufio.NewReader(c).ReadString('\n') //nolint:errcheck // whatever it is
			io.WriteString(c, says)             //nolint:errcheck
			c.Close()
		}
	}()
	return listener.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func redirector(t *testing.T, to string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.RedirectHandler("http://"+to+carrier.UpgradePath, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// deadAddress is one where nobody listens. A port that was free a moment ago may be another test's by now; this one is given
// to nobody who asks for a free one.
const deadAddress = "127.0.0.1:1"

func TestNewManagerRefuses(t *testing.T) {
	t.Parallel()
	for name, self := range map[string]conn.Self{
		"no id":                {},
		"an id that is none":   {ID: "A B"},
		"a wrong namespace":    {ID: "a", Namespaces: []string{""}},
		"a reserved namespace": {ID: "a", Namespaces: []string{"system.x"}},
	} {
		if m, err := conn.NewManager(self); err == nil {
			t.Errorf("%s was taken", name)
			m.Close()
		}
	}
}

// intruder opens a link to a node under an id and asks for a connection with whatever it likes. config is nil without
// TLS.
func intruder(t *testing.T, n *node, config *tls.Config, id string) *link.Link {
	t.Helper()
	l, _ := announcer(t, n, config, id)
	return l
}

// announcer is an intruder that is told of the catalogs which were taken.
func announcer(t *testing.T, n *node, config *tls.Config, id string) (_ *link.Link, taken <-chan bool) {
	t.Helper()
	took := make(chan bool, 10)
	stream, err := carrier.DialUpgrade(t.Context(), &net.Dialer{}, n.address, config)
	if err != nil {
		t.Fatal(err)
	}
	var proof link.Proof
	if secure, ok := stream.(*tls.Conn); ok {
		state := secure.ConnectionState()
		if proof.Binding, err = link.Binding(&state); err != nil {
			t.Fatal(err)
		}
	}
	l, err := link.Client(t.Context(), stream, link.Config{
		Hello: link.Hello{CollectorID: id, SessionID: "s"}, Logger: slog.New(slog.DiscardHandler), Proof: proof,
		OnTaken: func(_ *link.Link, _ uint64, holds bool) { took <- holds },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close("test over") })
	return l, took
}

func ownServices(l *link.Link) *connect.Client { return connect.NewClient(l.Transport("")) }

func request(id string, namespaces ...string) *collector.ConnectRequest {
	return &collector.ConnectRequest{Address: "127.0.0.1:9", Namespaces: namespaces, Metadata: map[string]string{"collector_id": id}}
}

func TestConnectOverLinkRefuses(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"users"})
	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("n%d", i)
	}
	wrongAddress := request("a", "users")
	wrongAddress.Address = "unix:/tmp/x"
	tests := []struct {
		name  string
		hello string
		req   *collector.ConnectRequest
		code  string
		says  string
	}{
		{"a wrong collector id", "a", request("../a"), "invalid_argument", "collector id"},
		{"another id than the HELLO's", "a", request("c"), "permission_denied", "must be the same"},
		{"the id of the node itself", "a", request("b"), "invalid_argument", "itself"},
		{"a wrong namespace", "a", request("a", "users", "no/pe"), "invalid_argument", "namespace"},
		{"a reserved namespace", "a", request("a", "system"), "permission_denied", "reserved"},
		{"too many namespaces", "a", request("a", many...), "invalid_argument", "at most 1000"},
		{"an address that is none", "a", wrongAddress, "invalid_argument", "host:port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			peer := collectorconnect.NewCollectiveDispatcherClient(ownServices(intruder(t, b, nil, tt.hello)))
			answer, err := peer.Connect(t.Context(), tt.req)
			if err != nil {
				t.Fatal(err)
			}
			s := answer.GetStatus()
			if s.GetDetails()["code"] != tt.code || !strings.Contains(s.GetMessage(), tt.says) || answer.GetTargetCollectorId() != "b" {
				t.Errorf("answered %v, want %s with %q", answer, tt.code, tt.says)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(b.ListConnections()); n != 0 {
			t.Errorf("refusals left %d connections", n)
		}
	})
}

func TestLinkWithoutConnectionReachesNothing(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"users"})
	l := intruder(t, b, nil, "a")
	for _, namespace := range []string{"users", ""} {
		client := connect.NewClient(l.Transport(namespace))
		err := client.CallUnary(t.Context(), connect.Spec{Procedure: echoProcedure}, &collector.ServeRequest{}, &collector.ServeResponse{})
		if connect.CodeOf(err) != connect.CodeFailedPrecondition {
			t.Errorf("a call in %q before Connect: %v", namespace, err)
		}
	}
}

func TestPeerCanOnlyDisconnectItself(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	id := connectTo(t, a, b).GetConnectionId()
	l := intruder(t, b, nil, "mallory")
	client := meshv1connect.NewMeshServiceClient(ownServices(l))
	for range 2 { // before and after its own Connect
		_, err := client.Disconnect(t.Context(), &meshv1.DisconnectRequest{ConnectionId: id})
		if connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("mallory disconnects a: %v", err)
		}
		peer := collectorconnect.NewCollectiveDispatcherClient(ownServices(l))
		if answer, err := peer.Connect(t.Context(), request("mallory", "users")); err != nil || answer.GetStatus().GetCode() != 200 {
			t.Fatal(answer, err)
		}
	}
	if p, _ := b.Table().Peer("a"); p.State != active {
		t.Errorf("a is %s", conn.StateName(p.State))
	}
}

func TestPlainRequestCannotTouchALinkedConnection(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	connectTo(t, a, b)
	for _, n := range []struct {
		at *node
		id string
	}{{b, "a"}, {a, "b"}} {
		answer, err := n.at.HandleConnect(context.Background(), request(n.id, "users"))
		if err != nil || answer.GetStatus().GetDetails()["code"] != "already_exists" {
			t.Errorf("plain Connect as %s: %v, %v", n.id, answer, err)
		}
		if p, _ := n.at.Table().Peer(n.id); p.Seed || p.State != active {
			t.Errorf("%s changed to %+v", n.id, p)
		}
	}
	b.stop() // a dials b again; nobody else may take the place of b meanwhile
	a.awaitState(t, "b", stale)
	answer, err := a.HandleConnect(context.Background(), request("b", "users"))
	if err != nil || answer.GetStatus().GetDetails()["code"] != "already_exists" {
		t.Errorf("plain Connect as b, which is away: %v, %v", answer, err)
	}
	if p, _ := a.Table().Peer("b"); p.Seed || p.State != stale {
		t.Errorf("b changed to %+v", p)
	}
}

func TestUnagreedLinksPerAddressAreBounded(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"users"})
	for i := range b.Limits().UnagreedPerIP {
		intruder(t, b, nil, fmt.Sprintf("a%d", i))
	}
	_, err := carrier.DialUpgrade(t.Context(), &net.Dialer{}, b.address, nil)
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Fatalf("one link too many from one address: %v", err)
	}
	// The refused one tries the second carrier; that must not make a link either, nor a connection without one.
	a := start(t, "a", []string{"users"})
	if _, err := a.ConnectTo(t.Context(), b.address, nil); connect.CodeOf(err) != connect.CodeResourceExhausted || !strings.Contains(err.Error(), "wait for their agreement already") {
		t.Errorf("ConnectTo a full collector: %v", err)
	}
	if len(a.ListConnections())+len(b.ListConnections()) != 0 {
		t.Error("a connection came about")
	}
}

func TestFailedDialsLeaveNothing(t *testing.T) {
	t.Parallel()
	a, dead := start(t, "a", nil), deadAddress
	for range 600 { // more than there may be links
		if _, err := a.ConnectTo(t.Context(), dead, nil); connect.CodeOf(err) != connect.CodeUnavailable || !strings.Contains(err.Error(), "refused") {
			t.Fatal(err)
		}
	}
}

func TestNamespaceIsCheckedOnArrival(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"secret", "users"})
	l := intruder(t, b, nil, "a")
	peer := collectorconnect.NewCollectiveDispatcherClient(ownServices(l))
	if answer, err := peer.Connect(t.Context(), request("a", "users")); err != nil || answer.GetStatus().GetCode() != 200 {
		t.Fatal(answer, err)
	}
	for namespace, want := range map[string]connect.Code{"users": 0, "secret": connect.CodePermissionDenied, "nowhere": connect.CodePermissionDenied} {
		client := testingv1connect.NewEchoServiceClient(connect.NewClient(l.Transport(namespace)))
		_, err := client.Echo(t.Context(), &testingv1.EchoRequest{})
		if want == 0 && err != nil || want != 0 && connect.CodeOf(err) != want {
			t.Errorf("a call in %q: %v", namespace, err)
		}
	}
}

// liar takes links and answers Connect with whatever it likes.
type liar struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
	answer *collector.ConnectResponse
}

func (l liar) Connect(context.Context, *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return l.answer, nil
}

func TestConnectToDistrustsTheAnswer(t *testing.T) {
	t.Parallel()
	ok := &collector.Status{Code: 200}
	tests := []struct {
		name   string
		answer *collector.ConnectResponse
		code   connect.Code
		says   string
	}{
		{"another collector's", &collector.ConnectResponse{Status: ok, TargetCollectorId: "c"}, connect.CodeFailedPrecondition, `"c" answers`},
		{"more than was offered", &collector.ConnectResponse{Status: ok, TargetCollectorId: "b", SharedNamespaces: []string{"secret"}}, connect.CodeFailedPrecondition, "not offered"},
		{"a refusal", &collector.ConnectResponse{Status: &collector.Status{Code: 403, Message: "go away"}, TargetCollectorId: "b"}, connect.CodePermissionDenied, "go away"},
		{"no status", &collector.ConnectResponse{TargetCollectorId: "b"}, connect.CodeUnknown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, "a", []string{"secret", "users"})
			_, err := a.ConnectTo(t.Context(), startLiar(t, tt.answer), []string{"users"})
			if connect.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %v with %q", err, tt.code, tt.says)
			}
			if len(a.ListConnections())+len(a.Table().Peers()) != 0 {
				t.Error("it was believed")
			}
		})
	}
}

func startLiar(t *testing.T, answer *collector.ConnectResponse) (address string) {
	t.Helper()
	rpc := connect.NewServer()
	collectorconnect.RegisterCollectiveDispatcherHandler(rpc, liar{answer: answer})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream, err := carrier.AcceptUpgrade(w, r)
		if err != nil {
			return
		}
		l, err := link.Server(context.WithoutCancel(r.Context()), stream, link.Config{
			Hello: link.Hello{CollectorID: "b", SessionID: "s"}, Handler: rpc.Call, Logger: slog.New(slog.DiscardHandler),
		})
		if err == nil {
			<-l.Done()
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
