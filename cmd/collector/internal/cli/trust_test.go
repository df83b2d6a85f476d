package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The commands about the mesh secret write it and show nothing of it.
func TestTrustSecrets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mesh.secret")
	server := newFake(t, fakeMesh{})
	secrets := func() (list []string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Fields(string(text)) {
			if len(line) == 44 {
				list = append(list, line)
			}
		}
		return list
	}
	var first string
	for _, verb := range []string{"new-secret", "rotate-secret"} {
		got := shell{}.on(t, server, "trust", verb, "--mesh-secret-file", path, "--json")
		checkDocument(t, got)
		for _, secret := range secrets() {
			if strings.Contains(got.out+got.err, secret[:8]) {
				t.Errorf("%s shows the secret", verb)
			}
		}
		if first == "" {
			first = secrets()[0]
		}
	}
	if after := secrets(); len(after) != 2 || after[1] != first || after[0] == first {
		t.Error("the new one is not first, or the one before not second")
	}
	if got := (shell{}).on(t, server, "trust", "new-secret", "--mesh-secret-file", path); got.exit == 0 || !strings.Contains(got.err, "rotate-secret") {
		t.Errorf("a second one: exit %d, %s", got.exit, got.err)
	}
}

func TestTrustLs(t *testing.T) {
	t.Parallel()
	got := shell{}.on(t, newFake(t, fakeMesh{}), "trust")
	for _, part := range []string{"SHA256:bbb", "first use", "links come from this machine only", "has changed"} {
		if !strings.Contains(got.out+got.err, part) {
			t.Errorf("trust does not say %q:\n%s%s", part, got.out, got.err)
		}
	}
}
