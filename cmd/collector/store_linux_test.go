package main_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A collector whose disk is full, and whose store is deleted, runs on: calls are answered, the log, the status and /readyz say what
// is wrong, and all is well when there is space again.
func TestServeOutlivesItsDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("NOT RUN: this user may not mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	db := filepath.Join(dir, "a.db")
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--ns", "users", "--example", "users", "--db", db)
	b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--ns", "users", "--db", "memory")
	warns := func(words string) func() bool {
		return func() bool { return strings.Contains(a.on(t, "status").err, words) }
	}
	serves := func() {
		t.Helper()
		a.on(t, "call", "UserService/GetUser", "-d", `{"id":"u-2"}`).expect(t, 0, `"u-2"`, "handled by a")
	}

	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	b.on(t, "connect", a.Address).expect(t, 78, "", "store")
	until(t, "the status to warn of a full disk", warns("no space left"))
	if ready := get(t, a.URL+"/readyz"); !strings.Contains(ready, `"status":"ok"`) || !strings.Contains(ready, "not kept") {
		t.Errorf("/readyz: %s", ready)
	}
	serves()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	until(t, "the warning to go", func() bool { return !warns("the store")() })
	b.on(t, "connect", a.Address).expect(t, 0, "active", "")

	if err := os.Remove(db); err != nil {
		t.Fatal(err)
	}
	until(t, "the status to warn of a store that is gone", warns("was deleted while it is open"))
	serves()
	for _, words := range []string{"the store has trouble", "the store works again"} {
		if !strings.Contains(a.log.String(), words) {
			t.Errorf("the log does not say %q:\n%s", words, a.log)
		}
	}
	a.signal(t, syscall.SIGTERM)
	if exit := a.wait(t); exit < 0 {
		t.Errorf("it did not stop in order: %v", a.ProcessState)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
