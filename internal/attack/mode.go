package main

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/pki"
)

// mode is a way in which the collectors of a mesh prove themselves to each other.
type mode struct {
	name string
	// args are the flags of the collector with an id.
	args func(id string) []string
	// dial is how somebody dials it who has what everybody on the network has; nil for plaintext.
	dial *tls.Config
	// attempts are what a stranger tries with, each options of its own. The first has nothing.
	attempts [][]dispatcher.Option
	// client is how one calls; nil for plaintext.
	client *tls.Config
	// own is how a member of the mesh listens and dials that is neither a nor b; nil for plaintext.
	own *tls.Config
	// expiring makes a certificate of b that is good for so long, and how its holder dials; nil without certificates.
	expiring func(life time.Duration) (config *tls.Config, ends time.Time, err error)
}

// modes are all of them that the binary has, and the names of those it has not.
func modes(s *Stage) (all []mode, missing []string, err error) {
	plain := func(string) []string { return nil }
	all = []mode{{name: "known_keys", args: plain, attempts: [][]dispatcher.Option{nil}}}
	if !s.has("--pki") {
		return all, []string{"certificates", "known_keys_tls"}, nil
	}
	authority := filepath.Join(s.dir, "pki")
	for _, command := range [][]string{{"init"}, {"issue", "a"}, {"issue", "b"}, {"issue", "x"}, {"issue", "r"}} {
		if _, err := s.run(append([]string{"pki", "--dir", authority}, command...)...); err != nil {
			return nil, nil, err
		}
	}
	text, err := os.ReadFile(filepath.Join(authority, "ca.crt"))
	if err != nil {
		return nil, nil, err
	}
	trusting := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	trusting.RootCAs.AppendCertsFromPEM(text)
	file := func(id, kind string) string { return filepath.Join(authority, "collectors", id+kind) }
	of := trusting.Clone() // a certificate of the mesh, of another collector
	pair, err := tls.LoadX509KeyPair(file("x", ".crt"), file("x", ".key"))
	if err != nil {
		return nil, nil, err
	}
	of.Certificates = []tls.Certificate{pair}
	all = append(all,
		mode{name: "known_keys_tls", dial: trusting, client: trusting, own: of, attempts: [][]dispatcher.Option{nil}, args: func(id string) []string {
			return []string{"--tls-cert", file(id, ".crt"), "--tls-key", file(id, ".key"), "--cacert", filepath.Join(authority, "ca.crt")}
		}},
		mode{name: "certificates", dial: trusting, client: trusting, own: of, attempts: [][]dispatcher.Option{nil, {dispatcher.WithTLS(of)}}, args: func(string) []string {
			return []string{"--pki", authority}
		}, expiring: func(life time.Duration) (*tls.Config, time.Time, error) { return expiring(authority, trusting, life) }})
	return withSecret(s, all)
}

// withSecret adds the modes with a mesh secret, with TLS and without.
func withSecret(s *Stage, all []mode) (modes []mode, missing []string, err error) {
	if !s.has("--mesh-secret-file") {
		return all, []string{"secret", "secret_tls"}, nil
	}
	path, right := filepath.Join(s.dir, "secret"), random()
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(right)+"\n"), 0o600); err != nil {
		return nil, nil, err
	}
	knowing := func(secret []byte) []dispatcher.Option {
		return []dispatcher.Option{dispatcher.WithConn(conn.WithMeshSecret(func() [][]byte { return [][]byte{secret} }))}
	}
	for _, below := range all[:2] {
		m := below
		m.name = "secret"
		if m.dial != nil {
			m.name = "secret_tls"
		}
		m.attempts = [][]dispatcher.Option{nil, knowing(random()), knowing(right)} // the last is of the mesh, with a key of its own
		m.args = func(id string) []string { return append(below.args(id), "--mesh-secret-file", path) }
		all = append(all, m)
	}
	return all, nil, nil
}

// expiring issues a certificate of b that is good for so long, in a copy of the authority: that of b itself stays.
func expiring(dir string, trusting *tls.Config, life time.Duration) (*tls.Config, time.Time, error) {
	stolen := dir + "-stolen"
	if err := os.CopyFS(stolen, os.DirFS(dir)); err != nil {
		return nil, time.Time{}, err
	}
	if err := os.Chmod(filepath.Join(stolen, "authority", "ca.key"), 0o600); err != nil {
		return nil, time.Time{}, err
	}
	authority, err := pki.OpenToIssue(stolen, time.Now())
	if err != nil {
		return nil, time.Time{}, err
	}
	b := pki.Subject{Kind: pki.Collector, ID: "b"}
	issued, err := authority.Issue(pki.Request{Subject: b, Life: life}, true)
	if err != nil {
		return nil, time.Time{}, err
	}
	path := filepath.Join(stolen, b.Path())
	pair, err := tls.LoadX509KeyPair(path+".crt", path+".key")
	config := trusting.Clone()
	config.Certificates = []tls.Certificate{pair}
	return config, issued.Certificate.NotAfter, err
}

func random() []byte {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return secret
}

// missingModes says which of them were not tried.
func missingModes(s *Stage, name string, missing []string) {
	for _, m := range missing {
		fmt.Fprintf(s.out, "NOT RUN: %s/%s: the binary has no such mode yet\n", name, m)
	}
}
