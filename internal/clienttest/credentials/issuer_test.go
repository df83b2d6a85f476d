package credentials_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/collectiverpc/collective/access/authn/token"
)

const audience = "mesh"

// issuer signs tokens with RS256, without a library, so that it can make bad ones as well.
type issuer struct {
	token.Issuer
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T, url, alias string) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return &issuer{token.Issuer{URL: url, Alias: alias, Audiences: []string{audience}}, key}
}

// byFile is an issuer whose keys are in a file.
func byFile(t *testing.T) *issuer {
	t.Helper()
	i := newIssuer(t, "https://login.test/realm", "file")
	i.KeysFile = filepath.Join(t.TempDir(), "jwks.json")
	must(t, os.WriteFile(i.KeysFile, i.keys(), 0o600))
	return i
}

// byDiscovery is an issuer that is asked for its keys over HTTP.
func byDiscovery(t *testing.T) *issuer {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i := newIssuer(t, server.URL, "login")
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": server.URL, "jwks_uri": server.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(i.keys()) })
	return i
}

var encode = base64.RawURLEncoding.EncodeToString

// keys is the JWKS document.
func (i *issuer) keys() []byte {
	text, _ := json.Marshal(map[string]any{"keys": []any{map[string]string{ // strings alone
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
		"n": encode(i.key.N.Bytes()), "e": encode(big.NewInt(int64(i.key.E)).Bytes()),
	}}})
	return text
}

// claims are those of a good token of alice, with changes; nil takes one away.
func (i *issuer) claims(changes map[string]any) map[string]any {
	now := time.Now()
	all := map[string]any{
		"iss": i.URL, "aud": audience, "sub": "alice", "groups": []string{"developers"},
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(all, changes)
	return all
}

// unsigned is a token up to its signature.
func (i *issuer) unsigned(t *testing.T, algorithm string, changes map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(i.claims(changes))
	must(t, err)
	return encode([]byte(`{"alg":"`+algorithm+`","typ":"JWT","kid":"1"}`)) + "." + encode(payload)
}

func (i *issuer) sign(t *testing.T, changes map[string]any) string {
	t.Helper()
	text := i.unsigned(t, "RS256", changes)
	sum := sha256.Sum256([]byte(text))
	signature, err := i.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	must(t, err)
	return text + "." + encode(signature)
}

// forged is signed with the public key as a shared secret.
func (i *issuer) forged(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&i.key.PublicKey)
	must(t, err)
	text := i.unsigned(t, "HS256", nil)
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}
