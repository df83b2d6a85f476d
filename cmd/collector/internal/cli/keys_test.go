package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/apikey"
)

// A key is printed once, works, is in no other output, and is gone when it is removed.
func TestKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "api-keys")
	keys := func(args ...string) ran {
		return shell{}.run(t.Context(), append([]string{"keys", "--file", file}, args...)...)
	}
	made := keys("add", "ci", "--service", "--group", "deployers,readers")
	key := strings.TrimSpace(made.out)
	if made.exit != 0 || strings.Contains(made.err, key) || !strings.Contains(made.err, `Service::"key:ci"`) {
		t.Fatalf("exit %d, %q, %q: want the key alone on stdout", made.exit, made.out, made.err)
	}
	opened, err := apikey.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := opened.Authenticate(t.Context(), &access.Credentials{APIKey: key})
	if err != nil || p.String() != `Service::"key:ci"` || strings.Join(p.Groups, " ") != "deployers readers" {
		t.Errorf("%v, %v: want the holder of the key", p, err)
	}
	to := filepath.Join(t.TempDir(), "alice.key")
	asJSON := keys("add", "alice", "--json", "--out", to)
	text, err := os.ReadFile(to)
	if asJSON.exit != 0 || err != nil || strings.Contains(asJSON.out+asJSON.err, strings.TrimSpace(string(text))) {
		t.Errorf("exit %d, %q, %q, %v: want the key in the file and nowhere else", asJSON.exit, asJSON.out, asJSON.err, err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want a file of its owner alone", info, err)
	}
	if again := keys("add", "bob", "--out", to); again.exit != 2 || strings.Contains(keys("ls").out, "bob") {
		t.Errorf("exit %d: a file is written over, or a key made that nobody has", again.exit)
	}
	if other := keys("rm", "nobody"); other.exit != 2 || !strings.Contains(other.err, "collector keys ls") {
		t.Errorf("exit %d, %q", other.exit, other.err)
	}
	if removed := keys("rm", "ci"); removed.exit != 0 || strings.Contains(removed.out, "ci") || !strings.Contains(removed.out, "alice") {
		t.Errorf("exit %d, %q, %q: want alice alone", removed.exit, removed.out, removed.err)
	}
	if err := opened.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Authenticate(t.Context(), &access.Credentials{APIKey: key}); err == nil {
		t.Error("a key that was removed is taken")
	}
}
