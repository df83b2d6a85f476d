package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// login is an issuer of tokens that may be out of reach.
type login struct {
	*httptest.Server
	down atomic.Bool
	key  *ecdsa.PrivateKey
}

func newLogin(t *testing.T) *login {
	t.Helper()
	l := new(login)
	var err error
	if l.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case l.down.Load():
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Path == "/keys":
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &l.key.PublicKey, KeyID: "1", Algorithm: "ES256"}}})
		default:
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": l.URL, "jwks_uri": l.URL + "/keys"})
		}
	}))
	t.Cleanup(l.Close)
	return l
}

// token is one of alice, by a clock that is off.
func (l *login) token(t *testing.T, off time.Duration) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: l.key, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(off)
	text, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: l.URL, Subject: "alice", Audience: jwt.Audience{"mesh"},
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(4 * time.Minute)),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The issuer out of reach at the start refuses its tokens; later the last known keys hold. Both are in the log and in the status,
// and so are clocks that are 5 min apart. Callers by other credentials go on.
func TestServe_TheIssuerIsOutOfReach(t *testing.T) {
	t.Parallel()
	dir, issuer := t.TempDir(), newLogin(t)
	issuer.down.Store(true)
	keys, secret := filepath.Join(dir, "api-keys"), filepath.Join(dir, "ci.key")
	collector(t, "keys", "add", "ci", "--service", "--file", keys, "--out", secret).expect(t, 0, "", "")
	policy := writeFile(t, filepath.Join(dir, "policy.cedar"), []byte(`permit (principal, action, resource) unless { principal is Anonymous };`))
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", filepath.Join(dir, "a.db"), "--example", "orders",
		"--oidc-issuer", issuer.URL, "--oidc-audience", "mesh", "--api-keys", keys, "--policy", policy)
	call := func(who ...string) result {
		return a.byNetwork(t, append([]string{"call", createOrder, "-d", `{"sku":"tea","qty":1}`}, who...)...)
	}
	bearer := func(off time.Duration) []string {
		return []string{"-H", "Authorization: Bearer " + issuer.token(t, off)}
	}
	status := func() string { return a.on(t, "status", "-o", "wide").out }

	if got := call(bearer(0)...); got.exit == 0 || !strings.Contains(got.err, "unavailable") || !strings.Contains(got.err, "could not be read yet") {
		t.Errorf("without keys a token comes to %d %s", got.exit, got.err)
	}
	call("--api-key-file", secret).expect(t, 0, "o-1", "")
	if !strings.Contains(status(), "NO KEYS") || !strings.Contains(a.log.String(), "keys of a token issuer") {
		t.Errorf("the status is\n%s", status())
	}
	issuer.down.Store(false)
	a.signal(t, syscall.SIGHUP)
	until(t, "the keys to be read", func() bool { return call(bearer(0)...).exit == 0 })
	issuer.down.Store(true)
	a.signal(t, syscall.SIGHUP)
	until(t, "the status to say that keys are kept", func() bool { return strings.Contains(status(), "KEPT") })
	call(bearer(0)...).expect(t, 0, "o-", "")

	for reason, off := range map[string]time.Duration{"the token expired": -6 * time.Minute, "from the future": 5 * time.Minute} {
		if got := call(bearer(off)...); got.exit == 0 || !strings.Contains(got.err, "unauthenticated") || !strings.Contains(got.err, reason) || !strings.Contains(got.err, "clocks") {
			t.Errorf("a clock that is %v off comes to %d %s", off, got.exit, got.err)
		}
		until(t, "the audit log", func() bool { return strings.Contains(a.on(t, "audit", "--denied", "--json").out, reason) })
	}
	if history := a.on(t, "tap", "--once", "--json").out; !strings.Contains(history, "token_expired") || !strings.Contains(history, "token_not_yet_valid") {
		t.Errorf("the history is\n%s", history)
	}
	call("--api-key-file", secret).expect(t, 0, "o-", "") // nothing is lost
}

// A policy with a mistake keeps a collector from starting, and names the place; one that is spoilt while it runs leaves those of
// before in force, and the log and the status say so until it is mended.
func TestServe_PolicyWithAMistake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.cedar")
	replace := func(text string) {
		if err := os.Rename(writeFile(t, policy+".new", []byte(text)), policy); err != nil {
			t.Fatal(err)
		}
	}
	const good = `@id("calls") permit (principal, action == Action::"call", resource);`
	broken := map[string]string{
		"syntax":  "@id(\"calls\")\npermit (principal, action == Action::\"call\", resource;",
		"action":  "@id(\"calls\")\npermit (principal, action == Action::\"fly\", resource);",
		"type":    "@id(\"calls\")\npermit (principal, action == Action::\"call\", resource) when { context.tls > 1 };",
		"no file": "",
	}
	for name, text := range broken {
		if replace(text); text == "" {
			must(t, os.Remove(policy))
		}
		got := collector(t, "serve", "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--policy", policy)
		if got.exit == 0 || !strings.Contains(got.err, "--policy") || text != "" && !strings.Contains(got.err, policy+":") {
			t.Errorf("%s: exit %d %s", name, got.exit, got.err)
		}
	}
	replace(good)
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders", "--policy", policy)
	for name, text := range broken {
		if text == "" {
			continue
		}
		replace(text)
		a.signal(t, syscall.SIGHUP)
		until(t, "the status to say that the file cannot be used: "+name, func() bool {
			return strings.Contains(a.on(t, "status", "-o", "wide").out, "CANNOT BE USED")
		})
		if answer := posted(t, a.URL+"/"+createOrder, `{"sku":"tea","qty":1}`); answer != http.StatusOK {
			t.Errorf("%s: a call is answered by %d", name, answer)
		}
		replace(good)
		a.signal(t, syscall.SIGHUP)
		until(t, "the status to be well again", func() bool {
			return !strings.Contains(a.on(t, "status", "-o", "wide").out, "CANNOT BE USED")
		})
	}
	if !strings.Contains(a.log.String(), "policies from before stay in force") {
		t.Errorf("the log is\n%s", a.log.String())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// posted is the HTTP status of a call with JSON.
func posted(t *testing.T, url, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	must(t, err)
	must(t, res.Body.Close())
	return res.StatusCode
}
