package credentials_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/apikey"
	"github.com/collectiverpc/collective/access/authn/certificate"
	"github.com/collectiverpc/collective/access/authn/token"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// namespace is that of the test service.
const namespace = "test"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rig is two collectors under TLS that know callers by tokens, API keys and certificates. Who is anonymous may call.
type rig struct {
	authority   *meshtest.Authority
	file, login *issuer
	key         string // of the service cron
	operator    string // the API key of somebody who may look at everything
	a, b        *host
	cells       map[string]*tally // by client
}

// tally is how many of the questions that a client asked were answered as they should.
type tally struct{ passed, total int }

// host is one of them, with what it logs and audits.
type host struct {
	*meshtest.Collector
	log  journal
	mu   sync.Mutex
	told []access.Event
}

// events are the audited ones since the last time.
func (c *host) events() []access.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := c.told
	c.told = nil
	return told
}

// journal is what was written, for tests to read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{authority: meshtest.NewAuthority(t), file: byFile(t), login: byDiscovery(t), cells: make(map[string]*tally)}
	keys := filepath.Join(t.TempDir(), "api-keys")
	for secret, record := range map[*string]apikey.Record{
		&r.key:      {Name: "cron", Kind: access.KindService},
		&r.operator: {Name: "root", Kind: access.KindUser, Groups: []string{access.GroupOperators}},
	} {
		made, err := apikey.Add(keys, record)
		must(t, err)
		*secret = made.Reveal()
	}
	r.a, r.b = r.start(t, "a", keys), r.start(t, "b", keys)
	must(t, r.b.Register(namespace, func(s *connect.Server) {
		testingv1connect.RegisterEchoServiceHandler(s, telling{meshtest.EchoService("b"), t})
	}))
	must(t, meshtest.Join(t.Context(), r.a.Dispatcher, r.b.Address, namespace, testingv1connect.EchoServiceEchoProcedure))
	return r
}

// start starts a collector that knows callers by everything, and collectors by their certificates.
func (r *rig) start(t *testing.T, id, keys string) *host {
	t.Helper()
	c := new(host)
	log := slog.New(slog.NewJSONHandler(&c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	trust := r.authority.TLS(r.authority.Of(t, id))
	proving, err := conn.SPIFFE(meshtest.TrustDomain)
	must(t, err)
	c.Collector, err = meshtest.Start(id, []string{namespace}, trust, dispatcher.WithLogger(log), dispatcher.WithTLS(trust),
		dispatcher.WithConn(conn.WithIdentity(proving)), dispatcher.WithAccess(r.guard(t, c, keys, log)))
	must(t, err)
	t.Cleanup(func() { must(t, c.Stop()) })
	return c
}

func (r *rig) guard(t *testing.T, c *host, keys string, log *slog.Logger) *access.Guard {
	t.Helper()
	tokens, err := token.New([]token.Issuer{r.file.Issuer, r.login.Issuer}, token.WithLogger(log))
	must(t, err)
	t.Cleanup(func() { must(t, tokens.Close()) })
	programs, err := apikey.Open(keys)
	must(t, err)
	people, err := certificate.New(meshtest.TrustDomain)
	must(t, err)
	guard, err := access.New(access.WithLogger(log), access.WithAuthenticator(tokens, programs, people),
		access.WithAudit(func(e access.Event) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.told = append(c.told, e)
		}))
	must(t, err)
	return guard
}

// telling is the test service with methods that answer who calls.
type telling struct {
	meshtest.EchoService
	t *testing.T
}

// callerHeader is where a stream of numbers says who calls.
const callerHeader = "X-Caller"

// caller is who calls, and by which collector the call came.
func (s telling) caller(ctx context.Context) string {
	c, ok := access.CallerFromContext(ctx)
	if p, known := access.PrincipalFromContext(ctx); !ok || !known || p != c.Principal {
		s.t.Errorf("the principal is %v, of the caller %v", p, c)
		return ""
	}
	said := strings.TrimSpace(c.String() + " " + c.Via)
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		info.ResponseHeader().Set(callerHeader, said)
	}
	return said
}

func (s telling) Echo(ctx context.Context, _ *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	return &testingv1.EchoResponse{Text: s.caller(ctx)}, nil
}

func (s telling) Look(ctx context.Context, _ *testingv1.LookRequest) (*testingv1.LookResponse, error) {
	return &testingv1.LookResponse{Text: s.caller(ctx)}, nil
}

func (s telling) Count(ctx context.Context, req *testingv1.CountRequest, stream testingv1connect.EchoServiceCountServerStream) error {
	s.caller(ctx)
	return s.EchoService.Count(ctx, req, stream)
}

func (s telling) Converse(ctx context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	if _, err := stream.Receive(); err != nil {
		return err
	}
	return stream.Send(&testingv1.ConverseResponse{Text: s.caller(ctx)})
}

// trust is how a client dials that shows a certificate, or none.
func (r *rig) trust(shown *tls.Certificate) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: r.authority.Pool}
	if shown != nil {
		config.Certificates = []tls.Certificate{*shown}
	}
	return config
}

// browser is an HTTP/2 client that shows a certificate, or none.
func (r *rig) browser(t *testing.T, shown *tls.Certificate) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: r.trust(shown), ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
