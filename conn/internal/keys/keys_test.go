package keys_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/internal/keys"
)

func made(t testing.TB) (ed25519.PrivateKey, ed25519.PublicKey) {
	t.Helper()
	key, err := keys.Make()
	if err != nil {
		t.Fatal(err)
	}
	return key, key.Public().(ed25519.PublicKey) //nolint:forcetypeassert // of Ed25519
}

// A fingerprint is what ssh-keygen says of the same key.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	key := make(ed25519.PublicKey, ed25519.PublicKeySize)
	for i := range key {
		key[i] = byte(i)
	}
	const want = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA" // ssh-keygen -lf of the same key
	if got := keys.Fingerprint(key); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOwnKeyStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db.key")
	var group sync.WaitGroup
	shown := make([]ed25519.PrivateKey, 8)
	for i := range shown {
		group.Go(func() {
			var err error
			if shown[i], err = keys.Own(path); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, key := range shown {
		if !key.Equal(shown[0]) {
			t.Fatal("those who make the key at once have different ones")
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want mode 0600", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if out, err := exec.Command("openssl", "pkey", "-in", path, "-noout").CombinedOutput(); err != nil && !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("openssl does not read it: %v %s", err, out)
	}
}

func TestOwnKeyRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db.key")
	if _, err := keys.Own(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"others can read it": {string(good), 0o644, "chmod 600"},
		"empty":              {"", 0o600, "no PEM"},
		"cut off":            {string(good[:len(good)/2]), 0o600, "no PEM"},
		"another kind":       {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o600, "damaged"},
	} {
		if err := errors.Join(os.WriteFile(path, []byte(tt.text), tt.mode), os.Chmod(path, tt.mode)); err != nil {
			t.Fatal(err)
		}
		key, err := keys.Own(path)
		if err == nil || key != nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q and the path", name, err, tt.want)
		}
		if after, _ := os.ReadFile(path); string(after) != tt.text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// memory is a store of keys, which may fail.
type memory struct {
	mu    sync.Mutex
	fails error
	keys  map[string]keys.Known
}

func (m *memory) PutKey(_ context.Context, known keys.Known) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails == nil {
		m.keys[known.ID] = known
	}
	return m.fails
}

func (m *memory) ForgetKey(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails == nil {
		delete(m.keys, id)
	}
	return m.fails
}

func (m *memory) ListKeys(context.Context) (list []keys.Known, _ error) {
	for _, known := range m.keys {
		list = append(list, known)
	}
	return list, m.fails
}

func open(t *testing.T, store keys.Store) *keys.Book {
	t.Helper()
	b, err := keys.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is proved by a key depends on what the key was first met with, also after a restart.
func TestBook(t *testing.T) {
	t.Parallel()
	now := time.Now()
	_, first := made(t)
	_, other := made(t)
	for _, tt := range []struct {
		name           string
		met, comes     keys.Shown
		want           keys.Proof
		refused, fresh bool
	}{
		{name: "came and comes again", met: keys.Shown{Key: first}, comes: keys.Shown{Key: first}, want: keys.FirstUse},
		{name: "dialled and comes", met: keys.Shown{Key: first, Proof: keys.Dialled}, comes: keys.Shown{Key: first}, want: keys.KnownKey},
		{name: "by secret and comes", met: keys.Shown{Key: first, Proof: keys.Secret}, comes: keys.Shown{Key: first}, want: keys.KnownKey},
		{name: "came and is dialled", met: keys.Shown{Key: first}, comes: keys.Shown{Key: first, Proof: keys.Dialled}, want: keys.Dialled},
		{name: "another comes", met: keys.Shown{Key: first}, comes: keys.Shown{Key: other}, refused: true},
		{name: "another is dialled", met: keys.Shown{Key: first}, comes: keys.Shown{Key: other, Proof: keys.Dialled}, refused: true},
		{name: "another with the secret", met: keys.Shown{Key: first}, comes: keys.Shown{Key: other, Proof: keys.Secret}, refused: true},
		{name: "another, ephemeral", met: keys.Shown{Key: first}, comes: keys.Shown{Key: other, Ephemeral: true}, refused: true},
		{name: "another with a certificate", met: keys.Shown{Key: first}, comes: keys.Shown{Key: other, Proof: keys.Certificate}, want: keys.Certificate},
		{name: "ephemeral binds nothing", met: keys.Shown{Key: first, Ephemeral: true}, comes: keys.Shown{Key: other, Ephemeral: true}, fresh: true},
	} {
		store := &memory{keys: make(map[string]keys.Known)}
		tt.met.ID, tt.comes.ID, tt.comes.From = "a", "a", "10.0.0.1"
		if err := open(t, store).Remember(t.Context(), tt.met, now); err != nil {
			t.Fatal(err)
		}
		b := open(t, store)
		proof, err := b.Judge(tt.comes, now)
		if proof != tt.want || errors.Is(err, keys.ErrChanged) != tt.refused || !tt.refused && err != nil {
			t.Errorf("%s: %q, %v; want %q, refused %v", tt.name, proof, err, tt.want, tt.refused)
		}
		if err := b.Remember(t.Context(), tt.comes, now); errors.Is(err, keys.ErrChanged) != tt.refused {
			t.Errorf("%s: remembered: %v", tt.name, err)
		}
		if b.Knows("a") == tt.fresh {
			t.Errorf("%s: it is known: %v", tt.name, b.Knows("a"))
		}
		told := b.Refused("a", now)
		if tt.refused != (strings.Contains(told, keys.Fingerprint(first)) && strings.Contains(told, keys.Fingerprint(other)) && strings.Contains(told, "collector trust forget a")) {
			t.Errorf("%s: status says %q", tt.name, told)
		}
	}
}

func TestBookForgets(t *testing.T) {
	t.Parallel()
	now := time.Now()
	store := &memory{keys: make(map[string]keys.Known)}
	b := open(t, store)
	_, first := made(t)
	_, other := made(t)
	if err := b.Remember(t.Context(), keys.Shown{ID: "a", Key: first}, now); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Judge(keys.Shown{ID: "a", Key: other}, now); !errors.Is(err, keys.ErrChanged) {
		t.Fatal(err)
	}
	store.fails = errors.New("disk full")
	if _, known, err := b.Forget(t.Context(), "a"); !known || err == nil || !b.Knows("a") {
		t.Errorf("what the store did not forget is forgotten: %v %v", known, err)
	}
	if err := b.Remember(t.Context(), keys.Shown{ID: "b", Key: first}, now); err == nil || b.Knows("b") {
		t.Errorf("what the store did not take is known: %v", err)
	}
	store.fails = nil
	if known, ok, err := b.Forget(t.Context(), "a"); !ok || err != nil || !known.Key.Equal(first) {
		t.Errorf("forget: %v %v", ok, err)
	}
	if proof, err := b.Judge(keys.Shown{ID: "a", Key: other}, now); err != nil || proof != keys.FirstUse || b.Refused("a", now) != "" {
		t.Errorf("after it was forgotten: %q %v", proof, err)
	}
	if _, ok, err := b.Forget(t.Context(), "nobody"); ok || err != nil {
		t.Errorf("nobody: %v %v", ok, err)
	}
}

// Whoever comes under very many ids does not make a collector forget whom it has met lately.
func TestBookIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := open(t, &memory{keys: make(map[string]keys.Known)})
	_, key := made(t)
	_, other := made(t)
	meet := func(id string, when time.Time) error {
		return b.Remember(t.Context(), keys.Shown{ID: id, Key: key}, when)
	}
	if err := meet("victim", now); err != nil {
		t.Fatal(err)
	}
	for i := range keys.Most - 1 {
		if err := meet(fmt.Sprint("x", i), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := meet("one more", now.Add(29*24*time.Hour)); !errors.Is(err, keys.ErrFull) {
		t.Errorf("one more: %v", err)
	}
	if _, err := b.Judge(keys.Shown{ID: "victim", Key: other}, now); !errors.Is(err, keys.ErrChanged) {
		t.Errorf("the victim was forgotten: %v", err)
	}
	later := now.Add(31 * 24 * time.Hour)
	if err := errors.Join(meet("victim", later), meet("one more", later)); err != nil || len(b.List(later)) != keys.Most || !b.Knows("victim") {
		t.Errorf("a key that nobody saw for a month makes no room: %v, %d known", err, len(b.List(later)))
	}
}
