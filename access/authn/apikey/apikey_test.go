package apikey_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/apikey"
	"github.com/collectiverpc/collective/mesh"
)

// A key is made once, and its holder known by it from then on.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "keys")
	secret, err := apikey.Add(path, apikey.Record{Name: "ci", Kind: access.KindService, Groups: []string{"deployers"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := apikey.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := keys.Authenticate(context.Background(), &access.Credentials{APIKey: secret.Reveal()})
	fmt.Println(p, p.Groups, err)
	fmt.Println(secret)
	// Output:
	// Service::"key:ci" [deployers] <nil>
	// ck_(redacted)
}

// added makes a key in a file.
func added(t testing.TB, path, name string, groups ...string) apikey.Secret {
	t.Helper()
	secret, err := apikey.Add(path, apikey.Record{Name: name, Kind: access.KindUser, Groups: groups})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func opened(t testing.TB, path string) *apikey.Authenticator {
	t.Helper()
	a, err := apikey.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func show(a *apikey.Authenticator, key string) (*access.Principal, error) {
	return a.Authenticate(context.Background(), &access.Credentials{APIKey: key})
}

func TestAuthenticate_KnowsTheHoldersOfKeysAndRefusesOthers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	alice, bob := added(t, path, "alice", "writers"), added(t, path, "bob")
	a := opened(t, path)
	for secret, want := range map[apikey.Secret]string{alice: `User::"key:alice"`, bob: `User::"key:bob"`} {
		if p, err := show(a, secret.Reveal()); err != nil || p.String() != want {
			t.Errorf("%v, %v, want %s", p, err, want)
		}
	}
	if p, err := show(a, ""); p != nil || err != nil {
		t.Errorf("without a key: %v, %v, want nobody", p, err)
	}
	key := alice.Reveal()
	for _, other := range []string{
		key[:len(key)-1], key + "x", " " + key, strings.ToUpper(key), "x", apikey.NewSecret().Reveal(), alice.Hash().String(), strings.Repeat("x", 1<<20), "\x00",
	} {
		p, err := show(a, other)
		if p != nil || mesh.ReasonOf(err) != mesh.ReasonKeyUnknown || connect.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("%.20q: %v, %v, want key_unknown", other, p, err)
		} else if strings.Contains(err.Error(), "ck_") {
			t.Errorf("the text %q has a key", err)
		}
	}
}

func TestReload_TakesChangesAndKeepsTheOldKeysWhereTheFileIsBroken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	alice := added(t, path, "alice")
	a := opened(t, path)
	if err := os.WriteFile(path, []byte("alice user - "+alice.Reveal()+"\n"), 0o600); err != nil { // the key where its hash should be
		t.Fatal(err)
	}
	err := a.Reload()
	if err == nil || !strings.Contains(err.Error(), "line 1: the hash") || strings.Contains(err.Error(), alice.Reveal()) {
		t.Errorf("%v: want the line that is wrong, and not the key", err)
	}
	if p, err := show(a, alice.Reveal()); err != nil {
		t.Errorf("%v, %v: want the old keys kept", p, err)
	}
	if lines := a.Lines(); !strings.Contains(lines[0], ": 1 KEPT") {
		t.Errorf("%q: want it to say that the old keys are kept", lines)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	bob := added(t, path, "bob")
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, err := show(a, alice.Reveal()); mesh.ReasonOf(err) != mesh.ReasonKeyUnknown {
		t.Errorf("a key that was removed: %v, want key_unknown", err)
	}
	if p, err := show(a, bob.Reveal()); err != nil {
		t.Errorf("a key that was added: %v, %v", p, err)
	}
}

func TestOpen_RefusesAFileThatEverybodyMayWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	added(t, path, "alice")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if a, err := apikey.Open(path); a != nil || err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("%v, %v, want it refused", a, err)
	}
	if _, err := apikey.Open(path + ".missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is missing: %v", err)
	}
}

func TestAdd_RotatesAndRemoveTakesTheOldOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte("# whose keys these are\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	first, second := added(t, path, "ci", "a", "b"), added(t, path, "ci", "a", "b")
	other := added(t, path, "other")
	if _, err := apikey.Add(path, apikey.Record{Name: "ci", Kind: access.KindService}); err == nil {
		t.Error("a name got two kinds")
	}
	if removed, err := apikey.Remove(path, "ci", first.Hash().Fingerprint()); removed != 1 || err != nil {
		t.Errorf("%d removed, %v, want the first alone", removed, err)
	}
	a := opened(t, path)
	for secret, known := range map[apikey.Secret]bool{first: false, second: true, other: true} {
		if _, err := show(a, secret.Reveal()); (err == nil) != known {
			t.Errorf("%s: %v, want it known: %v", secret.Hash().Fingerprint(), err, known)
		}
	}
	if _, err := apikey.Remove(path, "ci", "00000000"); !errors.Is(err, apikey.ErrUnknown) {
		t.Errorf("a key that is not there: %v, want ErrUnknown", err)
	}
	if removed, err := apikey.Remove(path, "ci", ""); removed != 1 || err != nil {
		t.Errorf("%d removed, %v, want one", removed, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "# whose keys these are\n") || strings.Contains(string(text), other.Reveal()) {
		t.Errorf("the file is\n%s%v: want its comment, and no key", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v, want that of before", info.Mode(), err)
	}
}

func TestAdd_LosesNoneOfSeveralAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if _, err := apikey.Add(path, apikey.Record{Name: fmt.Sprint("n", i), Kind: access.KindService}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if records, err := apikey.Read(path); len(records) != 20 || err != nil {
		t.Errorf("%d keys, %v, want 20", len(records), err)
	}
}

func TestParse_NamesEveryWrongLine(t *testing.T) {
	t.Parallel()
	hash := apikey.NewSecret().Hash().String()
	for line, words := range map[string]string{
		"ci service": "want NAME", "ci service - " + hash + " more": "want NAME", "ci root - " + hash: "neither user nor service",
		"c:i user - " + hash: "the name", strings.Repeat("x", 129) + " user - " + hash: "the name", "ci user a,,b " + hash: "a group",
		"ci user a|b " + hash: "a group", "ci user - " + hash[7:]: "the hash", "ci user - " + hash[:20]: "the hash", "ci user - md5:00": "the hash",
		"ci user - " + hash + "\nci user - " + hash:                               "line 2: the same key",
		"ci user - " + hash + "\nci user a " + apikey.NewSecret().Hash().String(): "line 2: a line before",
	} {
		if _, err := apikey.Parse([]byte(line)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", line, err, words)
		}
	}
	good := "\n # a comment\n\tci  service\tdeployers,readers " + hash + "\r\n"
	records, err := apikey.Parse([]byte(good))
	if err != nil || len(records) != 1 || records[0].String() != "ci service deployers,readers "+hash {
		t.Errorf("%v, %v", records, err)
	}
	if _, err := apikey.Parse(make([]byte, 1<<20+1)); err == nil {
		t.Error("a large file is read")
	}
}

func TestSecret_IsShownByNothingButReveal(t *testing.T) {
	t.Parallel()
	secret := apikey.NewSecret()
	text, err := json.Marshal(map[string]any{"key": secret})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "key", secret)
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "key", secret)
	shown := fmt.Sprintf("%s%v%+v%#v%q", secret, secret, secret, secret, secret) + string(text) + log.String()
	if strings.Contains(shown, secret.Reveal()) || !strings.Contains(shown, "redacted") {
		t.Errorf("it is shown: %s", shown)
	}
	if another := apikey.NewSecret(); another.Reveal() == secret.Reveal() || len(secret.Reveal()) != 46 {
		t.Errorf("%q is no key of 256 bits", secret.Reveal())
	}
}

// What is read is written again as it was, and is within its bounds.
func FuzzKeysFile(f *testing.F) {
	f.Add([]byte("ci service a,b " + apikey.NewSecret().Hash().String() + "\n# x\n"))
	f.Add([]byte("ci user - sha256:00\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		records, err := apikey.Parse(text)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, record := range records {
			if err := record.Check(); err != nil {
				t.Fatalf("%v was taken: %v", record, err)
			}
			again.WriteString(record.String() + "\n")
		}
		second, err := apikey.Parse([]byte(again.String()))
		if err != nil || fmt.Sprint(second) != fmt.Sprint(records) {
			t.Fatalf("%v became %v, %v", records, second, err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	path := filepath.Join(b.TempDir(), "keys")
	secret := added(b, path, "ci")
	a, c := opened(b, path), &access.Credentials{APIKey: secret.Reveal()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Authenticate(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
