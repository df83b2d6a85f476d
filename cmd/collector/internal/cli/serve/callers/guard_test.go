package callers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/apikey"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/serve/callers"
	"github.com/collectiverpc/collective/mesh"
)

// parsed is the flags of a command line.
func parsed(t *testing.T, args ...string) *callers.Flags {
	t.Helper()
	flags, set := new(callers.Flags), pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags.Add(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

func write(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// issuer is an OpenID Connect issuer over TLS of an authority of its own, and what signs its tokens.
func issuer(t *testing.T) (server *httptest.Server, sign func(changes jwt.Claims) string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server = httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": server.URL, "jwks_uri": server.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "ES256"}}})
	})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return server, func(said jwt.Claims) string {
		said.Issuer, said.Subject, said.Expiry = server.URL, "alice", jwt.NewNumericDate(time.Now().Add(time.Hour))
		text, err := jwt.Signed(signer).Claims(said).Claims(map[string]any{"roles": []string{"admins"}}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

func TestGuard_KnowsCallersByWhatTheFlagsName(t *testing.T) {
	t.Parallel()
	server, sign := issuer(t)
	file := filepath.Join(t.TempDir(), "api-keys")
	secret, err := apikey.Add(file, apikey.Record{Name: "ci", Kind: access.KindService})
	if err != nil {
		t.Fatal(err)
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	flags := parsed(t, "--api-keys", file, "--oidc-issuer", server.URL, "--oidc-audience", "mesh", "--oidc-groups-claim", "roles",
		"--oidc-operators", "admins", "--oidc-ca", write(t, "ca.pem", authority))
	guard, closing, err := flags.Guard("mesh.test", slog.New(slog.DiscardHandler))
	defer closing()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		shown  access.Credentials
		want   string
		reason mesh.Reason
	}{
		"nothing":           {access.Credentials{}, access.Nobody.String(), ""},
		"token":             {access.Credentials{Authorization: "Bearer " + sign(jwt.Claims{Audience: jwt.Audience{"mesh"}})}, "|alice", ""},
		"token of another":  {access.Credentials{Authorization: "Bearer " + sign(jwt.Claims{Audience: jwt.Audience{"shop"}})}, "", mesh.ReasonTokenAudience},
		"key":               {access.Credentials{APIKey: secret.Reveal()}, `Service::"key:ci"`, ""},
		"bad key":           {access.Credentials{APIKey: "x"}, "", mesh.ReasonKeyUnknown},
		"bad token and key": {access.Credentials{APIKey: secret.Reveal(), Authorization: "Bearer x"}, "", mesh.ReasonTokenMalformed},
		"socket":            {access.Credentials{Socket: &access.SocketPeer{UID: uint32(os.Geteuid())}}, `User::"uid:`, ""}, //nolint:gosec // a user id
		"socket of another": {access.Credentials{Socket: &access.SocketPeer{UID: 4242}}, "", mesh.ReasonSocketIdentity},
	} {
		p, err := guard.Authenticate(t.Context(), &test.shown)
		if mesh.ReasonOf(err) != test.reason || (err == nil) != (test.want != "") || p != nil && !strings.Contains(p.String(), test.want) {
			t.Errorf("%s: %v, %v, want %s %s", name, p, err, test.want, test.reason)
		}
		if name == "token" && p != nil && !p.In(access.GroupOperators) {
			t.Errorf("groups %v: want the issuer's admins to be operators", p.Groups)
		}
	}
	lines := strings.Join(guard.Lines(), "\n")
	for _, want := range []string{"tokens of " + server.URL + " for mesh: 1 keys", "API keys of " + file + ": 1", "spiffe://mesh.test/", "unix socket"} {
		if !strings.Contains(lines, want) {
			t.Errorf("the lines are\n%s\nwithout %q", lines, want)
		}
	}
}

func TestGuard_RefusesFlagsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for words, args := range map[string][]string{
		"over https":   {"--oidc-issuer", "http://login.test", "--oidc-audience", "mesh"},
		"no such file": {"--oidc-issuer", "https://login.test", "--oidc-audience", "mesh", "--oidc-jwks", "testdata/none"},
		"no JWKS":      {"--oidc-issuer", "https://login.test", "--oidc-audience", "mesh", "--oidc-jwks", write(t, "jwks", []byte("x"))},
		"--oidc-ca":    {"--oidc-issuer", "https://login.test", "--oidc-audience", "mesh", "--oidc-ca", "testdata/none"},
		"--api-keys":   {"--api-keys", "testdata/none"},
		"line 1":       {"--api-keys", write(t, "keys", []byte("ci"))},
		"--policy":     {"--policy", write(t, "policy", []byte("permit("))},
	} {
		guard, closing, err := parsed(t, args...).Guard("", slog.New(slog.DiscardHandler))
		closing()
		if guard != nil || err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v: %v, want %q", args, err, words)
		}
	}
}
