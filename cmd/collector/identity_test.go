package main_test

import (
	"crypto/x509"
	"path/filepath"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/meshtest"
)

func TestIdentity(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	proving := func(id string) []string {
		cert, key := ca.issue(t, id)
		return []string{
			"--trust-domain", meshtest.TrustDomain, "--tls-cert", cert, "--tls-key", key, "--tls-client-ca", ca.file,
			"--cert", cert, "--key", key, "--cacert", ca.file,
		}
	}
	a := serve(t, append(proving("a"), "--id", "a", "--listen", "127.0.0.1:0", "--ns", "orders", "--example", "users", "--db", "memory")...)
	b := serve(t, append(proving("b"),
		"--id", "b", "--listen", "127.0.0.1:0", "--ns", "users", "--example", "orders", "--db", "memory", "--join", a.Address)...)
	until(t, "a call from a to b, for a client without a certificate", func() bool {
		return strings.Contains(a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":1}`, "--cacert", ca.file).err, "a → b")
	})
	b.on(t, "call", "UserService/GetUser", "-d", `{"id":"u-2"}`, "--cacert", ca.file).expect(t, 0, "u-2", "b → a")

	cert, key := ca.issue(t, "x")
	c := serve(t, "--id", "c", "--listen", "127.0.0.1:0", "--ns", "orders", "--db", "memory", "--join", a.Address,
		"--cert", cert, "--key", key, "--cacert", ca.file)
	const why = `certificate of collector \"x\" by one that says it is \"c\"`
	until(t, "the log of c to say why", func() bool { return strings.Contains(c.log.String(), why) })
	until(t, "the log of a to say it too", func() bool { return strings.Contains(a.log.String(), why) })
	c.on(t, "connect", a.Address).expect(t, 64+7, "", "the other end must run under the id that its certificate names")
	if peers := a.on(t, "connections", "-o", "name", "--cacert", ca.file).out; strings.Count(peers, "\n") != 1 {
		t.Errorf("a has the connections\n%s", peers)
	}
	collector(t, append(proving("x"), "serve", "--id", "c", "--listen", "127.0.0.1:0", "--db", "memory")...).
		expect(t, 2, "", `the certificate is of collector "x"`)
}

// authority issues certificates in files.
type authority struct {
	*meshtest.Authority
	dir, file string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{Authority: meshtest.NewAuthority(t), dir: t.TempDir()}
	a.file = writePEM(t, filepath.Join(a.dir, "ca.pem"), "CERTIFICATE", a.Certificate.Raw)
	return a
}

func (a authority) issue(t *testing.T, id string) (certFile, keyFile string) {
	t.Helper()
	pair := a.Of(t, id)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, filepath.Join(a.dir, id+".pem"), "CERTIFICATE", pair.Certificate[0]),
		writePEM(t, filepath.Join(a.dir, id+".key"), "PRIVATE KEY", pkcs8)
}
