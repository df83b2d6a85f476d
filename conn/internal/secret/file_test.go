package secret_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/internal/secret"
)

func TestRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mesh.secret")
	now := time.Unix(1_800_000_000, 0)
	if err := secret.Create(path, now); err != nil {
		t.Fatal(err)
	}
	if err := secret.Create(path, now); err == nil || !strings.Contains(err.Error(), "rotate-secret") {
		t.Errorf("a second time: %v", err)
	}
	var warned []error
	f, err := secret.Open(path, func(err error) { warned = append(warned, err) })
	if err != nil {
		t.Fatal(err)
	}
	first := f.Secrets()
	if len(first) != 1 || len(first[0]) < secret.MinBytes {
		t.Fatalf("there are %d secrets", len(first))
	}
	for range 3 {
		before := f.Secrets()
		if err := secret.Rotate(path, now); err != nil {
			t.Fatal(err)
		}
		after := f.Secrets()
		if len(after) != 2 || bytes.Equal(after[0], before[0]) || !bytes.Equal(after[1], before[0]) {
			t.Fatal("the new one is not first, or the one before not second")
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v", info.Mode())
	}
	kept := f.Secrets()
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.Secrets(); !bytes.Equal(got[0], kept[0]) || len(warned) != 1 || strings.Contains(warned[0].Error(), "short") {
		t.Errorf("a broken file: %v", warned)
	}
	if f.Secrets(); len(warned) != 1 {
		t.Error("it is told each time that it is looked at")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := f.Secrets(); !bytes.Equal(got[0], kept[0]) {
		t.Error("a missing file ends the secrets")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := make([]byte, 32)
	_, _ = rand.Read(good)
	line := base64.StdEncoding.EncodeToString(good)
	for text, want := range map[string]string{
		"":                             "no mesh secret in it",
		"# only a comment\n\n":         "no mesh secret in it",
		line + "\nhunter2!\n":          "line 2 is no mesh secret: it is not base64",
		line[:40] + "\n":               "line 1 is no mesh secret: it has 30 bytes",
		strings.Repeat("A", 43) + "\n": "it is not random",
		strings.Repeat(line+"\n", 5):   "at most 4",
	} {
		_, err := secret.Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), line[:20]) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{line, "  " + strings.TrimRight(line, "=") + "\r\n", base64.URLEncoding.EncodeToString(good), "# x\n" + line + "\n\n"} {
		got, err := secret.Parse([]byte(text))
		if err != nil || len(got) != 1 || !bytes.Equal(got[0], good) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOpenRefusesWhatEverybodyReads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mesh.secret")
	if err := secret.Create(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.Open(path, nil); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# x\nAAAA\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		secrets, err := secret.Parse(text)
		if err == nil && (len(secrets) == 0 || len(secrets) > secret.Most) {
			t.Errorf("%d secrets", len(secrets))
		}
		for _, s := range secrets {
			if len(s) < secret.MinBytes {
				t.Errorf("a secret of %d bytes", len(s))
			}
		}
		if err != nil && len(err.Error()) > 200 {
			t.Error("the error is long: it quotes")
		}
	})
}
