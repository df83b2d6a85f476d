package main

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
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
}

// modes are all of them that the binary has, and the names of those it has not.
func modes(s *Stage) (all []mode, missing []string, err error) {
	plain := func(string) []string { return nil }
	all = []mode{{name: "known_keys", args: plain, attempts: [][]dispatcher.Option{nil}}}
	if !s.has("--pki") {
		return all, []string{"certificates", "known_keys_tls"}, nil
	}
	pki := filepath.Join(s.dir, "pki")
	for _, command := range [][]string{{"init"}, {"issue", "a"}, {"issue", "b"}, {"issue", "x"}} {
		if _, err := s.run(append([]string{"pki", "--dir", pki}, command...)...); err != nil {
			return nil, nil, err
		}
	}
	text, err := os.ReadFile(filepath.Join(pki, "ca.crt"))
	if err != nil {
		return nil, nil, err
	}
	trusting := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	trusting.RootCAs.AppendCertsFromPEM(text)
	file := func(id, kind string) string { return filepath.Join(pki, "collectors", id+kind) }
	of := trusting.Clone() // a certificate of the mesh, of another collector
	pair, err := tls.LoadX509KeyPair(file("x", ".crt"), file("x", ".key"))
	if err != nil {
		return nil, nil, err
	}
	of.Certificates = []tls.Certificate{pair}
	all = append(all,
		mode{name: "known_keys_tls", dial: trusting, client: trusting, attempts: [][]dispatcher.Option{nil}, args: func(id string) []string {
			return []string{"--tls-cert", file(id, ".crt"), "--tls-key", file(id, ".key"), "--cacert", filepath.Join(pki, "ca.crt")}
		}},
		mode{name: "certificates", dial: trusting, client: trusting, attempts: [][]dispatcher.Option{nil, {dispatcher.WithTLS(of)}}, args: func(string) []string {
			return []string{"--pki", pki}
		}})
	return withSecret(s, all)
}

// withSecret adds the modes with a mesh secret, with TLS and without.
func withSecret(s *Stage, all []mode) (modes []mode, missing []string, err error) {
	if !s.has("--mesh-secret-file") {
		return all, []string{"secret", "secret_tls"}, nil
	}
	path := filepath.Join(s.dir, "secret")
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(random())+"\n"), 0o600); err != nil {
		return nil, nil, err
	}
	other := random()
	guess := []dispatcher.Option{dispatcher.WithConn(conn.WithMeshSecret(func() [][]byte { return [][]byte{other} }))}
	for _, below := range all[:2] {
		m := below
		m.name = "secret"
		if m.dial != nil {
			m.name = "secret_tls"
		}
		m.attempts = [][]dispatcher.Option{nil, guess}
		m.args = func(id string) []string { return append(below.args(id), "--mesh-secret-file", path) }
		all = append(all, m)
	}
	return all, nil, nil
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
