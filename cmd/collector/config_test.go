package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A collector runs by its file, and follows it: what can be put into force is, the rest is named, and a file that cannot be used
// changes nothing. The log and the status say so.
func TestServeFollowsItsFile(t *testing.T) {
	t.Parallel()
	b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--ns", "users", "--db", "memory")
	path := filepath.Join(t.TempDir(), "a.yaml")
	write := func(format string, args ...any) {
		t.Helper()
		text := "id: a\nlisten: 127.0.0.1:0\nns: [users]\ndb: memory\n" + fmt.Sprintf(format, args...)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log_level: info\n")
	a := serve(t, "--config", path)
	logs := func(words string) func() bool { return func() bool { return strings.Contains(a.log.String(), words) } }
	warns := func(words string) func() bool {
		return func() bool { return strings.Contains(a.on(t, "status").err, words) }
	}

	write("log_level: debug\njoin: [%s]\n", b.Address)
	until(t, "the new address to be joined", a.sees(t, "active"))
	until(t, "the log to say it", logs(`"in force":["join","log_level"]`))

	write("log_level: debug\njoin: [%s]\ngrace: 0s\n", b.Address)
	until(t, "the status to warn of a broken file", warns(path+":7:1: grace 0s: want a positive duration"))
	until(t, "the log to say it", logs("what was in force stays"))
	a.on(t, "connections").expect(t, 0, "active", "")

	write("log_level: debug\njoin: [%s]\ngrace: 3s\nhistory_age: 1h\n", b.Address)
	until(t, "the status to name what needs a restart", warns("this needs a restart: history_age, grace"))

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	a.signal(t, syscall.SIGHUP)
	until(t, "the status to warn of a file that is gone", warns("no such file"))

	write("log_level: debug\njoin: [%s]\n", b.Address)
	until(t, "the warning to go", func() bool { return !warns("configuration")() })
	a.signal(t, syscall.SIGTERM)
	if exit := a.wait(t); exit != 0 {
		t.Errorf("exit %d:\n%s", exit, a.log)
	}
}

// Each flag has a variable, which wins over the file, and is won over by the command line.
func TestServeReadsItsVariables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(path, []byte(`{"id": "a", "listen": "127.0.0.1:0", "db": "memory", "ns": ["orders"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a := serveBy(t, "env", "COLLECTOR_CONFIG="+path, "COLLECTOR_ID=b", "COLLECTOR_NAMESPACES=users", program, "serve", "--id", "c")
	a.on(t, "status").expect(t, 0, "", "namespaces users")
	if a.ID != "c" {
		t.Errorf("it is %s", a.ID)
	}
}
