package token_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/mesh"
)

// program finds a program; the test is not run without it.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("NOT RUN: %v", err)
	}
	return path
}

// pemOf writes the private key of a pair where a program can read it.
func pemOf(t *testing.T, p pair) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.private)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// output is what a program writes.
func output(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Stdin, command.Stderr = bytes.NewReader(stdin), os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Signed by OpenSSL, and put together here by hand.
func TestAuthenticate_TakesTokensThatOpenSSLSigned(t *testing.T) {
	t.Parallel()
	openssl := program(t, "openssl")
	key := newRSA(t, "k", 2048)
	r := byFile(t, key.jwk())
	payload, err := json.Marshal(r.good(nil))
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"kid":"k","alg":"RS256"}`)) + "." + encode(payload)
	signature := output(t, []byte(signed), openssl, "dgst", "-sha256", "-sign", pemOf(t, key))
	r.taken(t, signed+"."+encode(signature), `User::"test|alice"`)
	signature[0] ^= 1
	r.refused(t, signed+"."+encode(signature), mesh.ReasonTokenSignature, "changed, or cut")
}

// pyjwt signs by the PyJWT of the system's Python: a line for each [claims, file of the key, algorithm].
const pyjwt = `
import json, sys, jwt
for claims, key, algorithm in json.load(sys.stdin):
    print(jwt.encode(claims, open(key).read(), algorithm=algorithm, headers={"kid": "k"}))
`

func TestAuthenticate_TakesTokensThatPyJWTSigned(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // that of the system, which has the system's modules
	if err := exec.CommandContext(t.Context(), python, "-c", "import jwt, cryptography").Run(); err != nil {
		t.Skipf("NOT RUN: no PyJWT: %v", err)
	}
	var asked [][]any
	var rigs []*rig
	for algorithm, key := range map[string]pair{
		"RS256": newRSA(t, "k", 2048), "PS512": newRSA(t, "k", 2048), "ES256": newEC(t, "k"), "EdDSA": newEd(t, "k"),
	} {
		public := key.jwk()
		public.Algorithm = ""
		r, file := byFile(t, public), pemOf(t, key)
		rigs = append(rigs, r)
		asked = append(asked, []any{r.good(nil), file, algorithm}, []any{r.good(map[string]any{"aud": "other"}), file, algorithm})
	}
	question, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	signed := strings.Fields(string(output(t, question, python, "-c", pyjwt)))
	for i, r := range rigs {
		r.taken(t, signed[2*i], `User::"test|alice"`)
		r.refused(t, signed[2*i+1], mesh.ReasonTokenAudience, "audience")
	}
}
