package main_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Whoever has the database of a collector and its key, and not its certificate, is refused under its id, takes none of its calls,
// and does not keep it from coming back.
func TestStolenDatabase(t *testing.T) {
	t.Parallel()
	m := newMesh(t, "a", "b", "x")
	owned, stolen := t.TempDir(), t.TempDir()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--ns", "orders", "--db", "memory", "--pki", m.dir)
	ownB := []string{"--id", "b", "--listen", "127.0.0.1:0", "--example", "orders", "--db", filepath.Join(owned, "b.db"), "--pki", m.dir, "--join", a.Address}
	b := serve(t, ownB...)
	call := func() result {
		return a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":1}`, "--cacert", m.authorities())
	}
	calls := func() bool { return strings.Contains(call().err, "a → b") }
	until(t, "a call from a to b", calls)
	b.signal(t, syscall.SIGTERM)
	b.wait(t)
	if err := os.CopyFS(stolen, os.DirFS(owned)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(stolen, "b.db.key"), 0o600); err != nil { // a key that others can read is not taken
		t.Fatal("the key of b is not beside its database:", err)
	}

	certificate := func(id string) string { return filepath.Join(m.dir, "collectors", id) }
	for name, shown := range map[string][]string{
		"without a certificate":           nil,
		"with the certificate of another": {"--cert", certificate("x") + ".crt", "--key", certificate("x") + ".key"},
	} {
		refused := strings.Count(a.log.String(), "refused")
		thief := serve(t, append([]string{
			"--id", "b", "--listen", "127.0.0.1:0", "--example", "orders", "--db", filepath.Join(stolen, "b.db"), "--join", a.Address, "--cacert", m.authorities(),
		}, shown...)...)
		until(t, "a to refuse a thief "+name, func() bool { return strings.Count(a.log.String(), "refused") > refused })
		if got := call(); got.exit == 0 {
			t.Errorf("%s a thief took a call: %s", name, got.err)
		}
		thief.kill()
	}
	serve(t, ownB...)
	until(t, "a call to the b that came back", calls)
}

// Who may not operate cannot find out by a collector which ports are open elsewhere.
func TestConnectToTellsStrangersNothing(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answers := make(map[string]string)
	ask := func(what, address string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/collector.mesh.v1.MeshService/ConnectTo",
			strings.NewReader(`{"address":"`+address+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s, %v", what, res.Status, err)
		}
		answers[what] = res.Status + string(text)
	}
	ask("open", listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	ask("closed", listener.Addr().String())
	if answers["open"] != answers["closed"] {
		t.Errorf("an open port is answered by\n%s\na closed one by\n%s", answers["open"], answers["closed"])
	}
}
