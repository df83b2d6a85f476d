package token_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/go-jose/go-jose/v4"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/token"
	"github.com/collectiverpc/collective/mesh"
)

const audience = "mesh"

// pair is a key of an issuer, by which tokens are signed.
type pair struct {
	id        string
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

func newRSA(t testing.TB, id string, bits int) pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return pair{id, jose.RS256, key}
}

func newEC(t testing.TB, id string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pair{id, jose.ES256, key}
}

func newEd(t testing.TB, id string) pair {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pair{id, jose.EdDSA, key}
}

// jwk is the public half, as an issuer publishes it.
func (p pair) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: p.private.Public(), KeyID: p.id, Algorithm: string(p.algorithm), Use: "sig"}
}

// sign makes a token of claims. Its header has more where the test wants it.
func (p pair) sign(t testing.TB, claims map[string]any, header ...map[jose.HeaderKey]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithHeader("kid", p.id)
	if len(header) == 0 {
		options = options.WithType("JWT")
	}
	for _, more := range header {
		for key, value := range more {
			options = options.WithHeader(key, value)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: p.algorithm, Key: p.private}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func document(t testing.TB, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// provider is an OpenID Connect issuer over TLS.
type provider struct {
	*httptest.Server

	keys  atomic.Pointer[[]byte]
	down  atomic.Bool
	reads atomic.Int64  // of the keys
	gate  chan struct{} // nil, or what an answer waits for
}

func newProvider(t testing.TB, keys ...jose.JSONWebKey) *provider {
	t.Helper()
	p := new(provider)
	p.publish(t, keys...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.reads.Add(1)
		_, _ = w.Write(*p.keys.Load())
	})
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.gate != nil {
			<-p.gate
		}
		if p.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) publish(t testing.TB, keys ...jose.JSONWebKey) {
	t.Helper()
	text := document(t, keys...)
	p.keys.Store(&text)
}

// claims are those of a good token of an issuer, with changes; nil takes one away.
func claims(now time.Time, issuer string, changes map[string]any) map[string]any {
	all := map[string]any{
		"iss": issuer, "aud": audience, "sub": "alice", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"groups": []string{"writers", "readers"},
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// watch is a clock that stands still until it is set.
type watch struct{ now atomic.Pointer[time.Time] }

func newWatch() *watch {
	w := new(watch)
	w.pass(0)
	return w
}

func (w *watch) time() time.Time { return *w.now.Load() }

func (w *watch) pass(d time.Duration) {
	from := time.Now().Truncate(time.Second)
	if known := w.now.Load(); known != nil {
		from = *known
	}
	next := from.Add(d)
	w.now.Store(&next)
}

// journal is a log that tests read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), what)
}

// rig is an authenticator of one issuer.
type rig struct {
	*token.Authenticator

	watch   *watch
	journal *journal
	issuer  string
}

func newRig(t testing.TB, issuer token.Issuer, client *http.Client) *rig {
	t.Helper()
	r := &rig{watch: newWatch(), journal: new(journal), issuer: issuer.URL}
	issuer.Audiences, issuer.Alias = []string{audience}, "test"
	if client == nil {
		client = http.DefaultClient
	}
	var err error
	r.Authenticator, err = token.New([]token.Issuer{issuer}, token.WithClient(client), token.WithClock(r.watch.time),
		token.WithLogger(slog.New(slog.NewTextHandler(r.journal, nil))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// good are the claims of a token that is to be taken now.
func (r *rig) good(changes map[string]any) map[string]any {
	return claims(r.watch.time(), r.issuer, changes)
}

func (r *rig) show(ctx context.Context, text string) (*access.Principal, error) {
	return r.Authenticate(ctx, &access.Credentials{Authorization: "Bearer " + text})
}

// taken fails the test unless a token is taken for somebody.
func (r *rig) taken(t testing.TB, text, want string) {
	t.Helper()
	p, err := r.show(t.Context(), text)
	if err != nil || p.String() != want {
		t.Errorf("%v, %v, want %s", p, err, want)
	}
}

// refused fails the test unless a token is refused with a reason, and with a text that has these words and no secret.
func (r *rig) refused(t testing.TB, text string, reason mesh.Reason, words string) {
	t.Helper()
	p, err := r.show(t.Context(), text)
	code := connect.CodeUnauthenticated
	if reason == mesh.ReasonKeysUnavailable {
		code = connect.CodeUnavailable
	}
	if p != nil || mesh.ReasonOf(err) != reason || connect.CodeOf(err) != code {
		t.Errorf("%v, %v: %v, want %v %s", p, connect.CodeOf(err), err, code, reason)
		return
	}
	if !strings.Contains(err.Error(), words) {
		t.Errorf("the text is %q, without %q", err, words)
	}
	for part := range strings.SplitSeq(text, ".") {
		if len(part) > 8 && strings.Contains(err.Error(), part) {
			t.Errorf("the text %q has a part of the token", err)
		}
	}
	if strings.Contains(err.Error(), "alice") || strings.Contains(err.Error(), "mallory") {
		t.Errorf("the text %q has a claim", err)
	}
}
