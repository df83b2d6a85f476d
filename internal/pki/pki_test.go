package pki_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/internal/pki"
)

const domain = "mesh.example"

func made(t *testing.T) *pki.Authority {
	t.Helper()
	a, err := pki.Init(filepath.Join(t.TempDir(), "pki"), domain, time.Now(), false)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t *testing.T, a *pki.Authority, r pki.Request) *pki.Issued {
	t.Helper()
	issued, err := a.Issue(r, false)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

func collector(id string) pki.Request {
	return pki.Request{Subject: pki.Subject{Kind: pki.Collector, ID: id}}
}

// What is issued is taken by TLS at both ends, whichever kind of subject is the client, and named by the rule that links
// go by; that of another authority is not taken.
func TestIssuedCertificatesProve(t *testing.T) {
	t.Parallel()
	a, other := made(t), made(t)
	server := issue(t, a, collector("a"))
	rule, err := conn.SPIFFE(domain)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		authority *pki.Authority
		request   pki.Request
		taken     bool
		uri       string
		collector string
	}{
		"a collector": {a, collector("b"), true, "spiffe://mesh.example/collector/b", "b"},
		"a user":      {a, pki.Request{Subject: pki.Subject{Kind: pki.User, ID: "alice"}}, true, "spiffe://mesh.example/user/alice", ""},
		"a service":   {a, pki.Request{Subject: pki.Subject{Kind: pki.Service, ID: "billing"}}, true, "spiffe://mesh.example/service/billing", ""},
		"a stranger":  {other, collector("b"), false, "spiffe://mesh.example/collector/b", "b"},
	} {
		client := issue(t, tt.authority, tt.request)
		if client.URI() != tt.uri {
			t.Errorf("%s: %s", name, client.URI())
		}
		if id, err := rule(client.Certificate); id != tt.collector {
			t.Errorf("%s is the collector %q, %v", name, id, err)
		}
		if err := shake(t, a, server, client); (err == nil) != tt.taken {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// shake has a client that trusts an authority shake hands with a server that does, too.
func shake(t *testing.T, a *pki.Authority, server, client *pki.Issued) error {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	here, there := net.Pipe()
	defer here.Close()
	ended := make(chan error, 1)
	go func() {
		defer there.Close()
		ended <- tls.Server(there, &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair(t, server)},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		}).HandshakeContext(t.Context())
	}()
	dialled := tls.Client(here, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair(t, client)}, RootCAs: pool, ServerName: "127.0.0.1",
	})
	err := dialled.HandshakeContext(t.Context())
	go func() { _, _ = dialled.Read(make([]byte, 1)) }() // takes the alert of a server that refuses
	return errors.Join(err, <-ended)
}

func pair(t *testing.T, i *pki.Issued) tls.Certificate {
	t.Helper()
	loaded, err := tls.LoadX509KeyPair(i.Cert, i.Key)
	if err != nil {
		t.Error(err)
	}
	return loaded
}

// Keys can be read by their owner only, no two are the same, and neither are serials.
func TestKeysAreApartAndPrivate(t *testing.T) {
	t.Parallel()
	a := made(t)
	one, two := issue(t, a, collector("a")), issue(t, a, collector("b"))
	if one.Certificate.SerialNumber.Cmp(two.Certificate.SerialNumber) == 0 || one.Certificate.SerialNumber.BitLen() < 120 {
		t.Errorf("serials %v, %v", one.Certificate.SerialNumber, two.Certificate.SerialNumber)
	}
	var keys [][]byte
	for _, path := range []string{filepath.Join(a.Dir, "authority", "ca.key"), one.Key, two.Key} {
		key, err := os.ReadFile(path)
		if err != nil || slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) }) {
			t.Errorf("%s: %v, or it is that of another", path, err)
		}
		keys = append(keys, key)
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	left, err := filepath.Glob(filepath.Join(a.Dir, "*", ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// Nothing that is there is overwritten unless that is asked for; what is refused leaves the files as they were.
func TestNothingIsOverwritten(t *testing.T) {
	t.Parallel()
	a := made(t)
	issued := issue(t, a, collector("a"))
	before := pair(t, issued)
	if _, err := pki.Init(a.Dir, domain, time.Now(), false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second authority: %v", err)
	}
	if _, err := a.Issue(collector("a"), false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second certificate: %v", err)
	}
	if err := os.Remove(issued.Cert); err != nil { // a key alone is worth keeping, too
		t.Fatal(err)
	}
	if _, err := a.Issue(collector("a"), false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a key: %v", err)
	}
	again, err := a.Issue(collector("a"), true)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(pair(t, again).Certificate[0], before.Certificate[0]) {
		t.Error("force issued the same")
	}
}

// A certificate ends when it should, never after its authority, and begins a little before it was asked for.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	a, err := pki.Init(t.TempDir(), domain, now, false)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Certificate.NotAfter.Equal(now.Add(pki.AuthorityLife)) {
		t.Errorf("the authority ends at %v", a.Certificate.NotAfter)
	}
	for id, tt := range map[string]struct{ life, want time.Duration }{
		"usual": {0, pki.Life}, "short": {time.Hour, time.Hour}, "long": {2 * pki.AuthorityLife, pki.AuthorityLife},
	} {
		request := collector(id)
		request.Life = tt.life
		c := issue(t, a, request).Certificate
		if !c.NotAfter.Equal(now.Add(tt.want)) || !c.NotBefore.Equal(now.Add(-5*time.Minute)) {
			t.Errorf("%s: %v to %v", id, c.NotBefore, c.NotAfter)
		}
	}
	over, err := pki.OpenToIssue(a.Dir, now.Add(pki.AuthorityLife))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := over.Issue(collector("late"), false); !errors.Is(err, pki.ErrInvalid) {
		t.Errorf("an authority that is over issues: %v", err)
	}
}

// A renewed certificate has the names and the life of the old one, and another key.
func TestRenew(t *testing.T) {
	t.Parallel()
	a := made(t)
	request := collector("a")
	request.Hosts, request.Life = []string{"a.example", "192.0.2.7", "a.example", "localhost"}, time.Hour
	old := issue(t, a, request)
	before := pair(t, old)
	if want := []string{"a.example", "localhost", "127.0.0.1", "192.0.2.7", "::1"}; !slices.Equal(old.Hosts(), want) {
		t.Errorf("hosts %q", old.Hosts())
	}
	later, err := pki.OpenToIssue(a.Dir, time.Now().Add(30*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := later.Renew(old.Subject, 0)
	if err != nil {
		t.Fatal(err)
	}
	life := renewed.Certificate.NotAfter.Sub(renewed.Certificate.NotBefore)
	if !slices.Equal(renewed.Hosts(), old.Hosts()) || life != old.Certificate.NotAfter.Sub(old.Certificate.NotBefore) ||
		!renewed.Certificate.NotAfter.After(old.Certificate.NotAfter) || bytes.Equal(pair(t, renewed).Certificate[0], before.Certificate[0]) {
		t.Errorf("%+v", renewed)
	}
	if _, err := a.Renew(pki.Subject{Kind: pki.Collector, ID: "nobody"}, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was never issued: %v", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	a, other := made(t), made(t)
	issue(t, a, pki.Request{Subject: pki.Subject{Kind: pki.User, ID: "alice"}})
	issue(t, a, collector("b"))
	issue(t, a, collector("a"))
	foreign := issue(t, other, collector("c"))
	if err := os.Rename(foreign.Cert, filepath.Join(a.Dir, "collectors", "c.crt")); err != nil {
		t.Fatal(err)
	}
	read, err := pki.Open(a.Dir)
	if err != nil || read.Domain != domain {
		t.Fatalf("%+v, %v", read, err)
	}
	all, err := read.List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range all {
		got = append(got, i.String()+": "+i.State(read.Certificate, time.Now()))
	}
	if want := []string{"collector a: good", "collector b: good", "collector c: of another authority", "user alice: good"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if state := all[0].State(read.Certificate, time.Now().Add(2*pki.Life)); state != pki.Expired {
		t.Errorf("after its end it is %s", state)
	}
	if state := all[0].State(read.Certificate, time.Now().Add(-time.Hour)); state != pki.Early {
		t.Errorf("before its beginning it is %s", state)
	}
}

// What cannot be is refused before a file is made.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Mesh", "a b", "a/b", strings.Repeat("a", 256)} {
		dir := filepath.Join(t.TempDir(), "pki")
		if _, err := pki.Init(dir, name, time.Now(), false); !errors.Is(err, pki.ErrInvalid) {
			t.Errorf("trust domain %q: %v", name, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("trust domain %q: there is a directory", name)
		}
	}
	a := made(t)
	for _, r := range []pki.Request{
		collector(""), collector("a/b"), collector(".."), collector("-a"), collector(strings.Repeat("a", 64)),
		{Subject: pki.Subject{Kind: pki.User, ID: ".."}}, {Subject: pki.Subject{Kind: pki.User, ID: "../collectors/a"}},
		{Subject: pki.Subject{Kind: pki.User, ID: "alice"}, Hosts: []string{"a"}},
		{Subject: pki.Subject{Kind: pki.Collector, ID: "a"}, Hosts: []string{"a:50051"}},
		{Subject: pki.Subject{Kind: pki.Collector, ID: "a"}, Hosts: []string{"a b"}},
		{Subject: pki.Subject{Kind: pki.Collector, ID: "a"}, Life: -time.Second},
	} {
		if _, err := a.Issue(r, false); !errors.Is(err, pki.ErrInvalid) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if all, err := a.List(); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// A directory that is not an authority's, or has the key of another, issues nothing; the error shows no key.
func TestDirectoriesThatAreNone(t *testing.T) {
	t.Parallel()
	a, other := made(t), made(t)
	key := filepath.Join(a.Dir, "authority", "ca.key")
	foreign, err := os.ReadFile(filepath.Join(other.Dir, "authority", "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pki.Open(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	for name, text := range map[string][]byte{
		"another's key": foreign, "no key": []byte("top secret"), "half a key": foreign[:len(foreign)/2],
		"a broken one": []byte("-----BEGIN PRIVATE KEY-----\ndG9wIHNlY3JldA==\n-----END PRIVATE KEY-----\n"),
	} {
		if err := os.WriteFile(key, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := pki.OpenToIssue(a.Dir, time.Now()); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
