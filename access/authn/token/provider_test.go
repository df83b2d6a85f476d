package token_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/collectiverpc/collective/access/authn/token"
	"github.com/collectiverpc/collective/mesh"
)

// byDiscovery is a rig whose issuer is discovered.
func byDiscovery(t testing.TB, p *provider) *rig {
	t.Helper()
	return newRig(t, token.Issuer{URL: p.URL}, p.Client())
}

func TestDiscovery_FindsTheKeysOfAnIssuerOverTLS(t *testing.T) {
	t.Parallel()
	key := newRSA(t, "k", 2048)
	p := newProvider(t, key.jwk())
	r := byDiscovery(t, p)
	r.taken(t, key.sign(t, r.good(nil)), `User::"test|alice"`)
	r.refused(t, newRSA(t, "k", 2048).sign(t, r.good(nil)), mesh.ReasonTokenSignature, p.URL)
	if lines := r.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "1 keys of 20") {
		t.Errorf("%q: want it to say how many keys there are, and when they were read", lines)
	}
}

// Down at the start: New returns all the same, tokens are refused, and the first one after 10 s finds the issuer again.
func TestDiscovery_FailsClosedUntilTheIssuerAnswers(t *testing.T) {
	t.Parallel()
	key := newEC(t, "k")
	p := newProvider(t, key.jwk())
	p.down.Store(true)
	r := byDiscovery(t, p)
	good := key.sign(t, r.good(map[string]any{"exp": r.watch.time().Add(time.Hour).Unix()}))
	r.refused(t, good, mesh.ReasonKeysUnavailable, "could not be read yet")
	p.down.Store(false)
	r.refused(t, good, mesh.ReasonKeysUnavailable, "try again in 10s") // too soon to ask again
	if lines := r.Lines(); !strings.Contains(lines[0], "NO KEYS") || r.journal.count("level=WARN") != 1 {
		t.Errorf("%q: want it to say that there are no keys, and one warning: %d", lines, r.journal.count("level=WARN"))
	}
	r.watch.pass(11 * time.Second)
	r.taken(t, good, `User::"test|alice"`)
	if r.journal.count("level=INFO") != 1 || strings.Contains(r.Lines()[0], "NO KEYS") {
		t.Errorf("%q: want it to say that keys were read, once: %d", r.Lines(), r.journal.count("level=INFO"))
	}
}

// Down later: what was known goes on, new keys are not known, and the log says so once when it begins and once when it ends.
func TestDiscovery_KeepsTheLastKeysWhileTheIssuerIsDown(t *testing.T) {
	t.Parallel()
	known, next := newEC(t, "1"), newEC(t, "2")
	p := newProvider(t, known.jwk())
	r := byDiscovery(t, p)
	r.taken(t, known.sign(t, r.good(nil)), `User::"test|alice"`)
	p.down.Store(true)
	for range 5 {
		r.watch.pass(20 * time.Minute)
		r.taken(t, known.sign(t, r.good(nil)), `User::"test|alice"`)
		r.refused(t, next.sign(t, r.good(nil)), mesh.ReasonTokenSignature, "no key that the issuer")
	}
	if lines := r.Lines(); !strings.Contains(lines[0], "KEPT") || r.journal.count("level=WARN") != 1 {
		t.Errorf("%q: want it to say that keys are kept, and one warning: %d", lines, r.journal.count("level=WARN"))
	}
	p.down.Store(false)
	p.publish(t, next.jwk())
	r.watch.pass(11 * time.Second)
	r.taken(t, next.sign(t, r.good(nil)), `User::"test|alice"`)
	if r.journal.count("level=WARN") != 1 || r.journal.count("level=INFO") != 2 {
		t.Errorf("%d warnings and %d lines of news, want 1 and 2", r.journal.count("level=WARN"), r.journal.count("level=INFO"))
	}
}

func TestDiscovery_FollowsTheRotationOfKeys(t *testing.T) {
	t.Parallel()
	first, second := newRSA(t, "1", 2048), newEC(t, "2")
	p := newProvider(t, first.jwk())
	r := byDiscovery(t, p)
	old := first.sign(t, r.good(map[string]any{"exp": r.watch.time().Add(time.Hour).Unix()}))
	r.taken(t, old, `User::"test|alice"`)
	p.publish(t, first.jwk(), second.jwk())
	r.watch.pass(11 * time.Second)
	r.taken(t, second.sign(t, r.good(nil)), `User::"test|alice"`)
	r.taken(t, old, `User::"test|alice"`)
	// The first is withdrawn: its tokens end although they were verified before.
	p.publish(t, second.jwk())
	r.watch.pass(11 * time.Second)
	r.refused(t, newEC(t, "3").sign(t, r.good(nil)), mesh.ReasonTokenSignature, "no key")
	r.refused(t, old, mesh.ReasonTokenSignature, "no key")
}

// An issuer that uses the id of a key again for another one.
func TestDiscovery_ReadsAgainWhereTheKeyOfAnIDIsAnother(t *testing.T) {
	t.Parallel()
	first, second := newEC(t, "same"), newEC(t, "same")
	p := newProvider(t, first.jwk())
	r := byDiscovery(t, p)
	r.taken(t, first.sign(t, r.good(nil)), `User::"test|alice"`)
	p.publish(t, second.jwk())
	r.watch.pass(11 * time.Second)
	r.taken(t, second.sign(t, r.good(nil)), `User::"test|alice"`)
}

// A withdrawn key ends by itself: nobody has to show a new one.
func TestDiscovery_ReadsKeysAgainWhenTheyAreOld(t *testing.T) {
	t.Parallel()
	first, second := newEC(t, "1"), newEC(t, "2")
	p := newProvider(t, first.jwk())
	r := byDiscovery(t, p)
	old := first.sign(t, r.good(map[string]any{"exp": r.watch.time().Add(time.Hour).Unix()}))
	r.taken(t, old, `User::"test|alice"`)
	p.publish(t, second.jwk())
	r.watch.pass(16 * time.Minute)
	r.taken(t, old, `User::"test|alice"`) // it begins the read, and does not wait for it
	if err := r.Close(); err != nil {     // which waits
		t.Fatal(err)
	}
	if p.reads.Load() != 2 && !strings.Contains(r.Lines()[0], "1 keys") {
		t.Errorf("keys were read %d times: %q", p.reads.Load(), r.Lines())
	}
}

// 10 000 unknown keys are one question to the issuer.
func TestDiscovery_AsksAtMostOnceInTenSecondsWhateverIsShown(t *testing.T) {
	t.Parallel()
	key := newEC(t, "k")
	p := newProvider(t, key.jwk())
	r := byDiscovery(t, p)
	r.taken(t, key.sign(t, r.good(nil)), `User::"test|alice"`)
	forged := make([]string, 100)
	for i := range forged {
		forged[i] = pair{strings.Repeat("x", i+1), key.algorithm, key.private}.sign(t, r.good(nil))
	}
	before := p.reads.Load()
	r.watch.pass(11 * time.Second)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			for i := range 1000 {
				if _, err := r.show(t.Context(), forged[i%len(forged)]); mesh.ReasonOf(err) != mesh.ReasonTokenSignature {
					t.Errorf("a forged token: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	if asked := p.reads.Load() - before; asked != 1 {
		t.Errorf("the issuer was asked %d times, want once", asked)
	}
}

// An issuer that does not answer: New returns, callers wait no longer than they want to, Close ends the read.
func TestDiscovery_DoesNotHangOnAnIssuerThatHangs(t *testing.T) {
	t.Parallel()
	key := newEC(t, "k")
	p := newProvider(t, key.jwk())
	p.gate = make(chan struct{})
	defer close(p.gate)
	r := byDiscovery(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.show(ctx, key.sign(t, r.good(nil))); mesh.ReasonOf(err) != mesh.ReasonKeysUnavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that waits no longer: %v, want keys_unavailable", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// bad is an issuer that answers otherwise than it should.
func bad(t *testing.T, answer func(issuer string, w http.ResponseWriter, r *http.Request)) *httptest.Server {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(server.URL, w, r) }))
	t.Cleanup(server.Close)
	return server
}

func TestDiscovery_TakesNoKeysFromWhereTheyCannotBeTrusted(t *testing.T) {
	t.Parallel()
	key := newEC(t, "k")
	keys := document(t, key.jwk())
	discovery := func(w http.ResponseWriter, issuer, keys string) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer, "jwks_uri": keys})
	}
	for name, test := range map[string]struct {
		answer func(issuer string, w http.ResponseWriter, r *http.Request)
		words  string
	}{
		"another issuer": {func(_ string, w http.ResponseWriter, _ *http.Request) {
			discovery(w, "https://evil.test", "https://evil.test/keys")
		}, "did not match"},
		"keys in the clear": {func(issuer string, w http.ResponseWriter, _ *http.Request) {
			discovery(w, issuer, "http://keys.test/keys")
		}, "over https"},
		"no address of keys": {func(issuer string, w http.ResponseWriter, _ *http.Request) { discovery(w, issuer, "") }, "no jwks_uri"},
		"keys of a file": {func(issuer string, w http.ResponseWriter, _ *http.Request) {
			discovery(w, issuer, "file:///etc/passwd")
		}, "no jwks_uri"},
		"redirected into the clear": {func(_ string, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://keys.test/", http.StatusFound)
		}, "over https"},
		"redirected for ever": {func(_ string, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusFound)
		}, "redirects"},
		"endless": {func(_ string, w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "too large"},
		"no keys": {func(issuer string, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				_, _ = w.Write([]byte(`{"keys":[]}`))
				return
			}
			discovery(w, issuer, issuer+"/keys")
		}, "none of its 0 keys"},
		"keys of garbage": {func(issuer string, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				_, _ = w.Write(keys[:len(keys)/2])
				return
			}
			discovery(w, issuer, issuer+"/keys")
		}, "no JWKS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := bad(t, test.answer)
			r := newRig(t, token.Issuer{URL: server.URL}, server.Client())
			r.refused(t, key.sign(t, r.good(nil)), mesh.ReasonKeysUnavailable, "could not be read")
			if !strings.Contains(r.Lines()[0], test.words) {
				t.Errorf("%q, want %q in it", r.Lines(), test.words)
			}
		})
	}
}

// The clock of the collector is 5 min off: the refusal, and what is shown of the issuer, say so.
func TestDiscovery_SaysThatTheClocksDiffer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		off    time.Duration
		reason mesh.Reason
		words  string
	}{
		"ahead":  {6 * time.Minute, mesh.ReasonTokenExpired, "the clock of this collector is 6m0s ahead of the issuer's"},
		"behind": {-5 * time.Minute, mesh.ReasonTokenNotYetValid, "the clock of this collector is 5m0s behind the issuer's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := newEC(t, "k")
			p := newProvider(t, key.jwk())
			now := func() time.Time { return time.Now().Add(test.off) }
			a, err := token.New([]token.Issuer{{URL: p.URL, Audiences: []string{audience}}}, token.WithClient(p.Client()), token.WithClock(now))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }()
			r := &rig{Authenticator: a}
			good := key.sign(t, claims(time.Now(), p.URL, map[string]any{"exp": time.Now().Add(4 * time.Minute).Unix()}))
			_, err = r.show(t.Context(), good)
			about := strings.NewReplacer("5m1s", "5m0s", "4m59s", "5m0s", "6m1s", "6m0s", "5m59s", "6m0s") // the issuer's time has whole seconds
			if mesh.ReasonOf(err) != test.reason || !strings.Contains(about.Replace(err.Error()), test.words) {
				t.Errorf("%v, want %s and %q", err, test.reason, test.words)
			}
			if lines := a.Lines(); !strings.Contains(about.Replace(lines[0]), test.words) {
				t.Errorf("%q, want %q in it", lines, test.words)
			}
		})
	}
}

func TestKeysFile_IsReadAgainAndABrokenOneKeepsTheOld(t *testing.T) {
	t.Parallel()
	first, second := newEC(t, "1"), newEC(t, "2")
	path := keysFile(t, first.jwk())
	r := newRig(t, token.Issuer{URL: "https://login.test", KeysFile: path}, nil)
	if files := r.Files(); len(files) != 1 || files[0] != path {
		t.Errorf("the files are %v, want %s", files, path)
	}
	write := func(text []byte) error {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return r.Reload()
	}
	r.taken(t, first.sign(t, r.good(nil)), `User::"test|alice"`)
	for name, broken := range map[string][]byte{
		"garbage": []byte("garbage"), "half": document(t, second.jwk())[:40], "empty": nil, "no keys": []byte(`{"keys":[]}`),
		"large": make([]byte, 300<<10), "many": document(t, make65(second.jwk())...),
	} {
		if err := write(broken); err == nil || !strings.Contains(err.Error(), "the old ones are kept") {
			t.Errorf("%s: %v, want an error", name, err)
		}
		r.taken(t, first.sign(t, r.good(nil)), `User::"test|alice"`)
	}
	if err := write(document(t, second.jwk())); err != nil {
		t.Fatal(err)
	}
	r.taken(t, second.sign(t, r.good(nil)), `User::"test|alice"`)
	r.refused(t, first.sign(t, r.good(nil)), mesh.ReasonTokenSignature, "no key")
}

func make65(key jose.JSONWebKey) (keys []jose.JSONWebKey) {
	for range 65 {
		keys = append(keys, key)
	}
	return keys
}

// Keys that must not be used are left out, and those beside them are used.
func TestKeys_LeaveOutWhatMustNotVerify(t *testing.T) {
	t.Parallel()
	weak, fine, secret := newRSA(t, "weak", 1024), newEC(t, "fine"), []byte("a shared secret of 32 bytes.....")
	private := jose.JSONWebKey{Key: newEC(t, "private").private, KeyID: "private", Algorithm: "ES256"}
	encryption := newEC(t, "enc")
	forEncryption := encryption.jwk()
	forEncryption.Use = "enc"
	r := byFile(t, weak.jwk(), fine.jwk(), jose.JSONWebKey{Key: secret, KeyID: "oct"}, private, forEncryption)
	r.taken(t, fine.sign(t, r.good(nil)), `User::"test|alice"`)
	r.refused(t, weak.sign(t, r.good(nil)), mesh.ReasonTokenSignature, "no key")
	r.refused(t, encryption.sign(t, r.good(nil)), mesh.ReasonTokenSignature, "no key")
	r.refused(t, hmac(t, secret, "oct", r.good(nil)), mesh.ReasonTokenAlgorithm, "HS256")
	r.refused(t, pair{"private", jose.ES256, private.Key.(crypto.Signer)}.sign(t, r.good(nil)), mesh.ReasonTokenSignature, "no key")
	if r.journal.count("RSA with 1024 bits") != 1 || r.journal.count("shared secret") != 1 || r.journal.count("private key") != 1 {
		t.Error("the log does not say which keys are not used, and why")
	}
}
