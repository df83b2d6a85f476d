package main_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mesh is a directory with an authority, by the commands that users have.
type mesh struct{ dir string }

func newMesh(t *testing.T, ids ...string) mesh {
	t.Helper()
	m := mesh{filepath.Join(t.TempDir(), "pki")}
	m.pki(t, "init", "--trust-domain", "mesh.example").expect(t, 0, "mesh.example", "collector pki issue")
	for _, id := range ids {
		m.pki(t, "issue", id).expect(t, 0, "collectors/"+id+".crt", "collector serve --id "+id)
	}
	return m
}

func (m mesh) pki(t *testing.T, args ...string) result {
	t.Helper()
	return collector(t, append([]string{"pki", "--dir", m.dir}, args...)...)
}

func (m mesh) authorities() string { return filepath.Join(m.dir, "ca.crt") }

// shown is the serial of the certificate that a collector shows now, to a client that trusts the authority.
func (m mesh) shown(t *testing.T, p *process) string {
	t.Helper()
	pool := x509.NewCertPool()
	text, err := os.ReadFile(m.authorities())
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	connection, err := (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}}).DialContext(t.Context(), "tcp", p.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Text(16)
}

// issued are the serials that pki ls has, by id.
func (m mesh) issued(t *testing.T) map[string]string {
	t.Helper()
	var list []struct{ ID, Serial, State string }
	if err := json.Unmarshal([]byte(m.pki(t, "ls", "--json").out), &list); err != nil {
		t.Fatal(err)
	}
	serials := make(map[string]string)
	for _, i := range list {
		if i.State != "good" {
			t.Errorf("%+v", i)
		}
		serials[i.ID] = i.Serial
	}
	return serials
}

// A mesh is secured by one command for it and one for each collector; certificates that are renewed are shown without a
// restart, broken ones are not, SIGHUP reads again, and links and calls stay.
func TestPKI(t *testing.T) {
	t.Parallel()
	m := newMesh(t, "a", "b")
	for _, args := range [][]string{{"ls", "--json"}, {"--json"}, {"issue", "--user", "alice", "--json"}, {"renew", "--all", "--json"}} {
		if got := m.pki(t, args...); got.exit != 0 || !json.Valid([]byte(got.out)) {
			t.Errorf("%v: exit %d, %s%s", args, got.exit, got.out, got.err)
		}
	}
	if got := collector(t, "pki", "init", "--json", "--dir", filepath.Join(t.TempDir(), "other")); got.exit != 0 || !json.Valid([]byte(got.out)) {
		t.Errorf("%+v", got)
	}
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--ns", "orders", "--example", "users", "--db", "memory", "--pki", m.dir)
	b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--ns", "users", "--example", "orders", "--db", "memory", "--pki", m.dir, "--join", a.Address)
	calls := func() bool {
		return strings.Contains(a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":1}`, "--cacert", m.authorities()).err, "a → b")
	}
	until(t, "a call from a to b", calls)

	m.pki(t, "renew", "--all").expect(t, 0, "", "")
	serials := m.issued(t)
	for _, p := range []*process{a, b} {
		until(t, "the renewed certificate of "+p.ID, func() bool { return m.shown(t, p) == serials[p.ID] })
	}
	if !calls() {
		t.Error("no call after certificates were renewed")
	}

	key := filepath.Join(m.dir, "collectors", "a.key")
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte("top secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the log to say that the key is broken", func() bool { return strings.Contains(a.log.String(), "stay in force") })
	a.signal(t, syscall.SIGHUP)
	until(t, "SIGHUP to say it too", func() bool { return strings.Contains(a.log.String(), "what cannot be used stays as it was") })
	if m.shown(t, a) != serials["a"] || !calls() || strings.Contains(a.log.String(), "top secret") {
		t.Errorf("with a broken key it shows %s, not %s\n%s", m.shown(t, a), serials["a"], a.log)
	}
	if err := os.WriteFile(key, good, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the mended key", func() bool { return strings.Contains(a.log.String(), "certificates were read again") })
	a.signal(t, syscall.SIGHUP)
	until(t, "SIGHUP to read it", func() bool {
		return strings.Contains(a.log.String(), `"read":["certificates of --tls-cert, --tls-key","certificates of --cert, --key, --cacert","callers and policies"]`)
	})
}

// What cannot be run says what to do first.
func TestPKIThatServesNobody(t *testing.T) {
	t.Parallel()
	m := newMesh(t, "a")
	for want, args := range map[string][]string{
		"collector pki issue b":   {"--id", "b", "--pki", m.dir},
		"collector pki init":      {"--id", "a", "--pki", filepath.Join(m.dir, "nowhere")},
		"leave out those, or pki": {"--id", "a", "--pki", m.dir, "--trust-domain", "mesh.example"},
	} {
		collector(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--db", "memory"}, args...)...).expect(t, 2, "", want)
	}
	if err := os.Rename(filepath.Join(m.dir, "collectors", "a.crt"), filepath.Join(m.dir, "collectors", "b.crt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(m.dir, "collectors", "a.key"), filepath.Join(m.dir, "collectors", "b.key")); err != nil {
		t.Fatal(err)
	}
	collector(t, "serve", "--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--pki", m.dir).
		expect(t, 2, "", `the certificate is of collector "a"`)
}
