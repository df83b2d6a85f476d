package dispatcher_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// TestIdentity_AuthorizationGoesToWhoDialled: with certificates, a collector that dialled this one is no stranger. A client
// without a certificate calls all the same.
func TestIdentity_AuthorizationGoesToWhoDialled(t *testing.T) {
	t.Parallel()
	ca := newIssuer(t)
	a, b := ca.serve(t, "a"), ca.serve(t, "b")
	seen := tellAuthorization(t, b)
	join(t, b, a)
	a.knows(t, "test", "/S/M")
	ca.post(t, "https://"+a.Address+"/S/M", "Bearer t")
	if got := <-seen; got != "Bearer t" {
		t.Errorf("authorization %q", got)
	}
}

// TestIdentity_OfAnother: the option reaches the connection manager, and what is refused is refused when it is built.
func TestIdentity_OfAnother(t *testing.T) {
	t.Parallel()
	ca := newIssuer(t)
	a := ca.serve(t, "a")
	_, err := dispatcher.New("c", "", nil, dispatcher.WithTLS(ca.TLS(ca.Of(t, "x"))), identity(t))
	if err == nil || !strings.Contains(err.Error(), `of collector "x"`) {
		t.Errorf("New = %v", err)
	}
	liar := serve(t, "c", []string{"test"}, dispatcher.WithTLS(ca.TLS(ca.Of(t, "x"))))
	if _, err := liar.ConnectTo(t.Context(), a.Address, nil); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("ConnectTo = %v", err)
	}
	if n := len(a.Connections().ListConnections()); n != 0 {
		t.Errorf("a has %d connections", n)
	}
}

// issuer is an authority for the certificates of a mesh.
type issuer struct{ *meshtest.Authority }

func newIssuer(t *testing.T) issuer {
	t.Helper()
	return issuer{meshtest.NewAuthority(t)}
}

func identity(t *testing.T) dispatcher.Option {
	t.Helper()
	rule, err := conn.SPIFFE(meshtest.TrustDomain)
	if err != nil {
		t.Fatal(err)
	}
	return dispatcher.WithConn(conn.WithIdentity(rule))
}

// serve starts a collector behind TLS that links by certificates only.
func (i issuer) serve(t *testing.T, id string) node {
	t.Helper()
	config := i.TLS(i.Of(t, id))
	c, err := meshtest.Start(id, []string{"test"}, config, dispatcher.WithTLS(config), identity(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("collector %s: %v", id, err)
		}
	})
	return node{c}
}

// post calls as a client that has no certificate.
func (i issuer) post(t *testing.T, url, authorization string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", authorization)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.Pool}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s %v", res.Status, text, err)
	}
}
