package conn_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

func counting(calls *atomic.Int32, next link.Handler) link.Handler {
	return func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
		calls.Add(1)
		return next(ctx, procedure, info, stream)
	}
}

func TestSPIFFE(t *testing.T) {
	t.Parallel()
	rule, err := conn.SPIFFE("mesh.test")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		uris []string
		id   string
	}{
		{[]string{"spiffe://mesh.test/collector/a"}, "a"},
		{[]string{"spiffe://mesh.test/collector/eu.west-2"}, "eu.west-2"},
		{nil, ""},
		{[]string{"spiffe://mesh.test/collector/a", "spiffe://mesh.test/collector/b"}, ""},
		{[]string{"spiffe://mesh.test/collector/a", "https://a.example"}, ""},
		{[]string{"spiffe://other.test/collector/a"}, ""},
		{[]string{"spiffe://mesh.test.evil/collector/a"}, ""},
		{[]string{"spiffe://mesh.test:80/collector/a"}, ""},
		{[]string{"spiffe://u@mesh.test/collector/a"}, ""},
		{[]string{"https://mesh.test/collector/a"}, ""},
		{[]string{"spiffe://mesh.test/workload/a"}, ""},
		{[]string{"spiffe://mesh.test/collector/"}, ""},
		{[]string{"spiffe://mesh.test/collector/A"}, "A"}, // an id of its own, not another spelling of a
		{[]string{"spiffe://mesh.test/collector/a/b"}, ""},
		{[]string{"spiffe://mesh.test/collector/%61"}, ""},
		{[]string{"spiffe://mesh.test/collector/a?x=y"}, ""},
		{[]string{"spiffe://mesh.test/collector/a#x"}, ""},
		{[]string{"spiffe:mesh.test/collector/a"}, ""},
	} {
		certificate := &x509.Certificate{}
		certificate.Subject.CommonName, certificate.DNSNames = "cn", []string{"dns"}
		for _, uri := range tt.uris {
			parsed, err := url.Parse(uri)
			if err != nil {
				t.Fatal(err)
			}
			certificate.URIs = append(certificate.URIs, parsed)
		}
		id, err := rule(certificate)
		if id != tt.id || (err == nil) != (tt.id != "") {
			t.Errorf("%v is %q, %v; want %q", tt.uris, id, err, tt.id)
		}
	}
	for _, domain := range []string{"", "Mesh", "mesh/x", "mesh test", "mesh:80", strings.Repeat("m", 256)} {
		if _, err := conn.SPIFFE(domain); err == nil {
			t.Errorf("trust domain %q was taken", domain)
		}
	}
}

func TestWithIdentityRefusesWhatProvesNothing(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	pair := func(c tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: ca.Pool, Certificates: []tls.Certificate{c}}
	}
	blind := pair(ca.Of(t, "a"))
	blind.InsecureSkipVerify = true
	for name, tt := range map[string]struct {
		config *tls.Config
		says   string
	}{
		"no TLS":                {nil, "WithTLS"},
		"verifies nobody":       {blind, "InsecureSkipVerify"},
		"no certificate":        {&tls.Config{}, "no certificate to show"},
		"an empty certificate":  {pair(tls.Certificate{}), "empty"},
		"another's certificate": {pair(ca.Of(t, "x")), `of collector "x"`},
		"nobody's certificate":  {pair(ca.Issue(t, time.Hour)), "names no collector"},
	} {
		opts := []conn.Option{meshTest(t)}
		if tt.config != nil {
			opts = append(opts, conn.WithTLS(tt.config))
		}
		m, err := conn.NewManager(conn.Self{ID: "a"}, opts...)
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
}

// TestIdentityOfTheDialler has collector b dialled by one that goes by the id a, with certificates of all kinds.
func TestIdentityOfTheDialler(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	kinds := map[string]struct {
		shows *tls.Certificate
		code  connect.Code
		says  []string
	}{
		"no certificate":        {nil, connect.CodeUnauthenticated, []string{"was shown none", "must show one"}},
		"wrong authority":       {new(stranger.Of(t, "a")), connect.CodeUnauthenticated, []string{"unknown certificate authority", "of an authority that is trusted there"}},
		"expired":               {new(ca.Issue(t, -time.Minute, meshtest.URI("a"))), connect.CodeUnauthenticated, []string{"expired certificate", "valid now"}},
		"nobody's":              {new(ca.Issue(t, time.Hour)), connect.CodeUnauthenticated, []string{"0 URIs", meshtest.URI("ID")}},
		"another's":             {new(ca.Of(t, "x")), connect.CodePermissionDenied, []string{`of collector "x"`, `says it is "a"`}},
		"the other collector's": {new(ca.Of(t, "b")), connect.CodePermissionDenied, []string{`of collector "b"`, `says it is "a"`}},
	}
	for carrier := range carriers {
		for name, tt := range kinds {
			t.Run(name+" by "+carrier, func(t *testing.T) {
				t.Parallel()
				b := ca.startSecured(t, "b", "127.0.0.1:0", carrier, nil)
				a := start(t, "a", []string{"users"}, conn.WithTLS(ca.dialing(tt.shows)))
				_, err := a.ConnectTo(t.Context(), b.address, nil)
				wantRefusal(t, err, tt.code, tt.says)
				if n := len(a.ListConnections()) + len(a.Table().Peers()); n != 0 {
					t.Errorf("a has %d connections and peers", n)
				}
				b.wantUntouched(t)
			})
		}
	}
}

func wantRefusal(t *testing.T, err error, code connect.Code, says []string) {
	t.Helper()
	if connect.CodeOf(err) != code {
		t.Fatalf("%v, want %v", err, code)
	}
	for _, words := range says {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q does not say %q", err, words)
		}
	}
}

// TestIdentityBeforeTheAgreement looks at the link of one that shows the certificate of x and says to be a, which stays
// up until it has heard why it is refused.
func TestIdentityBeforeTheAgreement(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	b := ca.startSecured(t, "b", "127.0.0.1:0", conn.CarrierUpgrade, nil)
	l := intruder(t, b.node, ca.dialing(new(ca.Of(t, "x"))), "a")
	calls := testingv1connect.NewEchoServiceClient(connect.NewClient(l.Transport("users")))
	for range 2 {
		if _, err := calls.Echo(t.Context(), &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeFailedPrecondition {
			t.Errorf("a call: %v", err)
		}
		for _, id := range []string{"a", "x"} { // the request cannot mend it either
			answer, err := collectorconnect.NewCollectiveDispatcherClient(ownServices(l)).Connect(t.Context(), request(id, "users"))
			if err != nil || answer.GetStatus().GetDetails()["code"] != "permission_denied" {
				t.Errorf("Connect as %s: %v, %v", id, answer, err)
			}
		}
	}
	b.wantUntouched(t)
}

// TestIdentityKeepsItsPlace: who claims the id of a linked collector, with or without a link, takes nothing from it.
func TestIdentityKeepsItsPlace(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	a := ca.startSecured(t, "a", "127.0.0.1:0", conn.CarrierUpgrade, nil)
	b := ca.startSecured(t, "b", "127.0.0.1:0", conn.CarrierUpgrade, nil)
	if _, err := a.ConnectTo(t.Context(), b.address, nil); err != nil {
		t.Fatal(err)
	}
	before, _ := b.Table().Peer("a")
	imposter := ca.dialing(new(ca.Of(t, "x")))
	l := intruder(t, b.node, imposter, "a")
	answer, err := collectorconnect.NewCollectiveDispatcherClient(ownServices(l)).Connect(t.Context(), request("a", "users"))
	if err != nil || answer.GetStatus().GetDetails()["code"] != "permission_denied" {
		t.Errorf("over a link: %v, %v", answer, err)
	}
	if answer := secureConnect(t, b, imposter, request("a", "users")); answer.GetStatus().GetDetails()["code"] != "permission_denied" {
		t.Errorf("without a link: %v", answer)
	}
	if now, _ := b.Table().Peer("a"); now != before {
		t.Errorf("b sees a as %+v, before %+v", now, before)
	}
	b.mustAsk(t, "users", "a/users: hello")
}

// TestIdentityClaimsNoSystemNamespace: a good certificate gives no right to what belongs to collectors themselves.
func TestIdentityClaimsNoSystemNamespace(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	b := ca.startSecured(t, "b", "127.0.0.1:0", conn.CarrierUpgrade, nil)
	l := intruder(t, b.node, ca.dialing(new(ca.Of(t, "a"))), "a")
	for _, namespace := range []string{"system", "system.x"} {
		answer, err := collectorconnect.NewCollectiveDispatcherClient(ownServices(l)).Connect(t.Context(), request("a", "users", namespace))
		if err != nil || answer.GetStatus().GetDetails()["code"] != "permission_denied" {
			t.Errorf("%s: %v, %v", namespace, answer, err)
		}
	}
	b.wantUntouched(t)
}

// TestIdentityOfTheDialled has collector a dial where a collector goes by the id b, with certificates of all kinds.
func TestIdentityOfTheDialled(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	kinds := map[string]struct {
		shows *tls.Certificate
		code  connect.Code
		says  []string
	}{
		"wrong authority": {new(stranger.Of(t, "b")), connect.CodeUnavailable, []string{"unknown authority"}}, // as ever
		"nobody's":        {new(ca.Issue(t, time.Hour, "https://b.example")), connect.CodeUnauthenticated, []string{"https://b.example", meshtest.URI("ID")}},
		"another's":       {new(ca.Of(t, "x")), connect.CodePermissionDenied, []string{`of collector "x"`, `says it is "b"`}},
	}
	for carrier := range carriers {
		for name, tt := range kinds {
			t.Run(name+" by "+carrier, func(t *testing.T) {
				t.Parallel()
				b := ca.startSecured(t, "b", "127.0.0.1:0", carrier, tt.shows)
				a := ca.startSecured(t, "a", "127.0.0.1:0", carrier, nil)
				_, err := a.ConnectTo(t.Context(), b.address, nil)
				if carrier == conn.CarrierUpgrade || tt.code != connect.CodeUnavailable {
					wantRefusal(t, err, tt.code, tt.says)
				} else if err == nil {
					t.Error("a connected")
				}
				a.wantUntouched(t)
				b.wantUntouched(t)
			})
		}
	}
}

// TestIdentityCarriesBothWays is how it looks when all is well, and after the link was cut.
func TestIdentityCarriesBothWays(t *testing.T) {
	t.Parallel()
	for carrier := range carriers {
		t.Run(carrier, func(t *testing.T) {
			t.Parallel()
			ca := newAuthority(t)
			a := ca.startSecured(t, "a", "127.0.0.1:0", carrier, nil)
			b := ca.startSecured(t, "b", "127.0.0.1:0", carrier, nil)
			way := startForwarder(t, b.address)
			if _, err := a.ConnectTo(t.Context(), way.address, nil); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				wantCarrier(t, carrier, a.node, b.node)
				a.mustAsk(t, "users", "b/users: hello")
				b.mustAsk(t, "users", "a/users: hello")
				before, _ := a.Table().Peer("b")
				way.cut()
				a.await(t, "another link", func(table *conn.Table) bool {
					now, ok := table.Peer("b")
					return ok && now != before && now.State == active && len(table.Serving("users", echoProcedure)) == 1
				})
				b.awaitState(t, "a", active)
			}
			if stored, err := b.store.List(t.Context()); err != nil || len(stored) != 1 {
				t.Errorf("b stored %v, %v", stored, err)
			}
		})
	}
}

// TestRedialExpectsTheSameCollector: with a good certificate of its own, c does not take the place of b.
func TestRedialExpectsTheSameCollector(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	a := ca.startSecured(t, "a", "127.0.0.1:0", conn.CarrierUpgrade, nil)
	b := ca.startSecured(t, "b", "127.0.0.1:0", conn.CarrierUpgrade, nil)
	if _, err := a.ConnectTo(t.Context(), b.address, nil); err != nil {
		t.Fatal(err)
	}
	b.stop()
	c := ca.startSecured(t, "c", b.address, conn.CarrierUpgrade, nil)
	a.await(t, "a word about c", func(table *conn.Table) bool {
		p, _ := table.Peer("b")
		return strings.Contains(p.Reason, `certificate there is of collector "c", not of "b"`)
	})
	c.wantUntouched(t)
	c.stop()
	ca.startSecured(t, "b", b.address, conn.CarrierUpgrade, nil)
	a.awaitState(t, "b", active)
}

// forwarder passes bytes on, until it is cut.
type forwarder struct {
	address string
	mu      sync.Mutex
	open    []net.Conn
}

func startForwarder(t *testing.T, to string) *forwarder {
	t.Helper()
	listener := listen(t)
	f := &forwarder{address: listener.Addr().String()}
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			f.mu.Lock()
			f.open = append(f.open, in, out)
			f.mu.Unlock()
			go pass(in, out)
			go pass(out, in)
		}
	}()
	t.Cleanup(f.cut)
	return f
}

func pass(to, from net.Conn) {
	io.Copy(to, from) //nolint:errcheck // it ends when either is closed
	to.Close()
}

func (f *forwarder) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.open {
		c.Close()
	}
	f.open = nil
}

// TestIdentityOfASeedPeer is about Connect without a link.
func TestIdentityOfASeedPeer(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for name, tt := range map[string]struct {
		shows *tls.Certificate
		code  string
	}{
		"no certificate": {nil, "unauthenticated"},
		"nobody's":       {new(ca.Issue(t, time.Hour)), "unauthenticated"},
		"another's":      {new(ca.Of(t, "x")), "permission_denied"},
		"its own":        {new(ca.Of(t, "seed-1")), ""},
	} {
		t.Run("that dials, "+name, func(t *testing.T) {
			t.Parallel()
			b := ca.startSecured(t, "b", "127.0.0.1:0", conn.CarrierUpgrade, nil)
			answer := secureConnect(t, b, ca.dialing(tt.shows), request("seed-1", "users"))
			if got := answer.GetStatus().GetDetails()["code"]; got != tt.code {
				t.Errorf("%v, want %q", answer, tt.code)
			}
			if tt.code != "" {
				b.wantUntouched(t)
			}
		})
	}
	for name, tt := range map[string]struct {
		shows tls.Certificate
		code  connect.Code
	}{
		"nobody's":  {ca.Issue(t, time.Hour), connect.CodeUnauthenticated},
		"another's": {ca.Of(t, "x"), connect.CodePermissionDenied},
		"its own":   {ca.Of(t, "seed-1"), 0},
	} {
		t.Run("that is dialled, "+name, func(t *testing.T) {
			t.Parallel()
			a := ca.startSecured(t, "a", "127.0.0.1:0", conn.CarrierUpgrade, nil)
			_, err := a.ConnectTo(t.Context(), startSecureSeed(t, "seed-1", ca.TLS(tt.shows)), nil)
			if tt.code == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantRefusal(t, err, tt.code, nil)
			a.wantUntouched(t)
		})
	}
}

func secureConnect(t *testing.T, n *secured, config *tls.Config, req *collector.ConnectRequest) *collector.ConnectResponse {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP2(true)
	defer transport.CloseIdleConnections()
	client := collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(
		connecthttp.NewTransport(&http.Client{Transport: transport}, "https://"+n.address, connecthttp.WithGRPC())))
	answer, err := client.Connect(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func startSecureSeed(t *testing.T, id string, config *tls.Config) (address string) {
	t.Helper()
	seed, _, plain := startSeed(t, id)
	listener := listen(t)
	server := &http.Server{Handler: plain.Handler, TLSConfig: config, ErrorLog: quietLog()}
	go server.ServeTLS(listener, "", "") //nolint:errcheck // it ends with Close
	t.Cleanup(func() {
		server.Close()
		if len(seed.serve) != 0 {
			t.Error("the seed was called")
		}
	})
	return listener.Addr().String()
}
