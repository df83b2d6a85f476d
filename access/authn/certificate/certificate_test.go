package certificate_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/certificate"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
)

func ExampleNew() {
	people, err := certificate.New("mesh.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(people.Lines()[0])
	// Output:
	// client certificates with spiffe://mesh.example/user|service|collector/NAME; others are refused
}

// verdict is what an authenticator said of a connection.
type verdict struct {
	principal *access.Principal
	err       error
}

// shown connects to a real listener with TLS, which asks for a certificate and verifies one that is given.
func shown(t *testing.T, a *certificate.Authenticator, server *tls.Config, client tls.Certificate) verdict {
	t.Helper()
	said := make(chan verdict, 1)
	listener := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, err := a.Authenticate(r.Context(), &access.Credentials{TLS: r.TLS, Remote: r.RemoteAddr})
		said <- verdict{p, err}
	}))
	listener.TLS = server
	listener.StartTLS()
	t.Cleanup(listener.Close)
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} //nolint:gosec // the client proves itself here
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &client, nil }
	answer, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}).Get(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return <-said
}

func newAuthenticator(t *testing.T, options ...certificate.Option) *certificate.Authenticator {
	t.Helper()
	a, err := certificate.New(meshtest.TrustDomain, options...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthenticate_TakesWhomTheURINames(t *testing.T) {
	t.Parallel()
	authority := meshtest.NewAuthority(t)
	for path, want := range map[string]string{
		"user/alice": `User::"alice"`, "user/alice@example.com": `User::"alice@example.com"`,
		"service/billing-2": `Service::"billing-2"`, "collector/a": `Collector::"a"`,
		"user/" + strings.Repeat("x", 128): `User::"` + strings.Repeat("x", 128) + `"`,
	} {
		got := shown(t, newAuthenticator(t), authority.TLS(authority.Of(t, "a")), authority.Issue(t, time.Hour, "spiffe://"+meshtest.TrustDomain+"/"+path))
		if got.err != nil || got.principal.String() != want {
			t.Errorf("%s: %v, %v, want %s", path, got.principal, got.err, want)
		}
	}
}

func TestAuthenticate_RefusesACertificateThatNamesNobody(t *testing.T) {
	t.Parallel()
	authority := meshtest.NewAuthority(t)
	own := "spiffe://" + meshtest.TrustDomain
	for name, uris := range map[string][]string{
		"none": nil, "of another domain": {"spiffe://other.test/user/alice"}, "two": {own + "/user/alice", own + "/user/bob"},
		"one beside a foreign one": {own + "/user/alice", "https://example.com/alice"}, "another scheme": {"https://" + meshtest.TrustDomain + "/user/alice"},
		"of nobody": {own}, "another kind": {own + "/admin/alice"}, "capital kind": {own + "/User/alice"}, "anonymous": {own + "/anonymous/anonymous"},
		"without a name": {own + "/user/"}, "longer path": {own + "/user/alice/admin"}, "escaped": {own + "/user/al%69ce"},
		"escaped slash": {own + "/user/a%2Fb"}, "with a query": {own + "/user/alice?x"}, "with a fragment": {own + "/user/alice#x"},
		"with a port": {own + ":1/user/alice"}, "with userinfo": {"spiffe://x@" + meshtest.TrustDomain + "/user/alice"},
		"name of a token": {own + "/user/issuer|alice"}, "name of a key": {own + "/service/key:ci"}, "name of the socket": {own + "/user/uid:root"},
		"too long": {own + "/user/" + strings.Repeat("x", 129)}, "not ASCII": {own + "/user/%C3%A4"},
	} {
		got := shown(t, newAuthenticator(t), authority.TLS(authority.Of(t, "a")), authority.Issue(t, time.Hour, uris...))
		if got.principal != nil || connect.CodeOf(got.err) != connect.CodeUnauthenticated || mesh.ReasonOf(got.err) != mesh.ReasonCertificateIdentity {
			t.Errorf("%s: %v, %v, want certificate_identity", name, got.principal, got.err)
			continue
		}
		if !strings.Contains(got.err.Error(), "Use one with the URI "+own+"/user/NAME") {
			t.Errorf("%s: %v does not say which is wanted", name, got.err)
		}
	}
}

func TestAuthenticate_IgnoresWhatTLSHasNotVerified(t *testing.T) {
	t.Parallel()
	authority, stranger := meshtest.NewAuthority(t), meshtest.NewAuthority(t)
	alice := "spiffe://" + meshtest.TrustDomain + "/user/alice"
	unverified := authority.TLS(authority.Of(t, "a"))
	unverified.ClientAuth = tls.RequestClientCert
	for name, client := range map[string]tls.Certificate{"of a stranger": stranger.Issue(t, time.Hour, alice), "none": {}} {
		if got := shown(t, newAuthenticator(t), unverified, client); got.principal != nil || got.err != nil {
			t.Errorf("%s: %v, %v, want nobody", name, got.principal, got.err)
		}
	}
	if p, err := newAuthenticator(t).Authenticate(t.Context(), &access.Credentials{}); p != nil || err != nil {
		t.Errorf("without TLS: %v, %v, want nobody", p, err)
	}
}

func TestAuthenticate_PassesCertificatesOfOthersWhereToldTo(t *testing.T) {
	t.Parallel()
	authority := meshtest.NewAuthority(t)
	a := newAuthenticator(t, certificate.PassOthers())
	if got := shown(t, a, authority.TLS(authority.Of(t, "a")), authority.Issue(t, time.Hour)); got.principal != nil || got.err != nil {
		t.Errorf("one without a URI: %v, %v, want nobody", got.principal, got.err)
	}
	broken := authority.Issue(t, time.Hour, "spiffe://"+meshtest.TrustDomain+"/user/")
	if got := shown(t, a, authority.TLS(authority.Of(t, "a")), broken); mesh.ReasonOf(got.err) != mesh.ReasonCertificateIdentity {
		t.Errorf("one of the domain that names nobody: %v, %v, want certificate_identity", got.principal, got.err)
	}
}

func TestAuthenticate_RefusesACertificateThatExpiredWhileConnected(t *testing.T) {
	t.Parallel()
	authority := meshtest.NewAuthority(t)
	late := newAuthenticator(t, certificate.WithClock(func() time.Time { return time.Now().Add(2 * time.Hour) }))
	got := shown(t, late, authority.TLS(authority.Of(t, "a")), authority.Issue(t, time.Hour, "spiffe://"+meshtest.TrustDomain+"/user/alice"))
	if mesh.ReasonOf(got.err) != mesh.ReasonCertificateExpired || connect.CodeOf(got.err) != connect.CodeUnauthenticated {
		t.Errorf("%v, %v, want certificate_expired", got.principal, got.err)
	}
}

func TestNew_RefusesWhatIsNoTrustDomain(t *testing.T) {
	t.Parallel()
	for _, domain := range []string{"", "Mesh.example", "mesh.example/x", "mesh example", "spiffe://mesh.example", "a@b", strings.Repeat("x", 129)} {
		if _, err := certificate.New(domain); err == nil {
			t.Errorf("%q is taken for a trust domain", domain)
		}
	}
}
