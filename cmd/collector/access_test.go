package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Who a caller is by an API key, and what it may do by a policy file, holds in the running program; what is changed in the files
// holds without a restart.
func TestServe_DecidesByKeysAndPolicy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, policy := filepath.Join(dir, "api-keys"), filepath.Join(dir, "policy.cedar")
	secret := func(name string, more ...string) string {
		file := filepath.Join(dir, name+".key")
		collector(t, append([]string{"keys", "add", name, "--service", "--file", keys, "--out", file}, more...)...).expect(t, 0, "", "")
		return file
	}
	decide := func(text string) {
		if err := os.WriteFile(policy+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(policy+".new", policy); err != nil {
			t.Fatal(err)
		}
	}
	ci, guest := secret("ci", "--group", "deployers"), secret("guest")
	decide(`permit (principal in Group::"deployers", action in [Action::"call", Action::"describe"], resource);`)
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders", "--api-keys", keys, "--policy", policy)
	call := func(who ...string) result {
		return a.byNetwork(t, append([]string{"call", createOrder, "-d", `{"sku":"tea","qty":1}`}, who...)...)
	}
	if lines := strings.Join(a.Trust, "\n"); !strings.Contains(lines, "API keys of "+keys+": 2") || !strings.Contains(lines, policy) {
		t.Errorf("the start says\n%s", lines)
	}
	call("--api-key-file", ci).expect(t, 0, "o-1", "")
	a.byNetwork(t, "status", "--api-key-file", ci).expect(t, 71, "", "permission_denied")
	call("--api-key-file", guest).expect(t, 71, "", "permission_denied")
	if got := call(); got.exit == 0 {
		t.Errorf("an anonymous caller got %s", got.out)
	}
	decide(`permit (principal, action in [Action::"call", Action::"describe"], resource);`)
	until(t, "the changed policy", func() bool { return call("--api-key-file", guest).exit == 0 })
	collector(t, "keys", "rm", "guest", "--file", keys).expect(t, 0, "", "")
	a.signal(t, syscall.SIGHUP)
	until(t, "the key to be unknown", func() bool { return call("--api-key-file", guest).exit != 0 })
	call("--api-key-file", ci).expect(t, 0, "o-", "")
	for _, file := range []string{ci, guest} {
		if text, err := os.ReadFile(file); err != nil || strings.Contains(a.log.String(), strings.TrimSpace(string(text))) {
			t.Errorf("%s: %v, or it is in the log", file, err)
		}
	}
}

// The policies by which a group reads a namespace work as the page has them, with the commands that people use: `collector call`
// asks for schemas before it calls.
func TestPoliciesOfThePage_DevelopersRead(t *testing.T) {
	t.Parallel()
	const begins, ends = "```cedar\n@id(\"developers-read\")", "\n```"
	_, block, found := strings.Cut(readFile(t, "../../docs/policies.md"), begins)
	block, _, closed := strings.Cut(block, ends)
	if !found || !closed {
		t.Fatal("docs/policies.md has no policy developers-read any more")
	}
	dir := t.TempDir()
	keys, secret := filepath.Join(dir, "api-keys"), filepath.Join(dir, "alice.key")
	collector(t, "keys", "add", "alice", "--group", "developers", "--file", keys, "--out", secret).expect(t, 0, "", "")
	// The example hosts its service in the namespace orders.
	text := `@id("developers-read")` + strings.ReplaceAll(block, `Namespace::"staging"`, `Namespace::"orders"`)
	policy := writeFile(t, filepath.Join(dir, "policy.cedar"), []byte(text))
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders", "--api-keys", keys, "--policy", policy)
	as := func(args ...string) result { return a.byNetwork(t, append(args, "--api-key-file", secret)...) }
	a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":1}`).expect(t, 0, "o-1", "") // by an operator, over the socket
	as("call", "shop.v1.OrderService/GetOrder", "-d", `{"id":"o-1"}`).expect(t, 0, "tea", "")
	as("services").expect(t, 0, "shop.v1.OrderService", "")
	as("call", createOrder, "-d", `{"sku":"tea","qty":1}`).expect(t, 71, "", "permission_denied")
	as("status").expect(t, 71, "", "permission_denied")
	a.byNetwork(t, "call", "shop.v1.OrderService/GetOrder", "-d", `{"id":"o-1"}`).expect(t, 4, "", "unauthenticated")
}
