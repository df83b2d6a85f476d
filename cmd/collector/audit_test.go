package main_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// audit -f shows what was there and then what comes, however much of it comes at once, until it is interrupted.
func TestAudit_Follow(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders")
	a.byNetwork(t, "status").expect(t, 4, "", "unauthenticated")

	command := exec.CommandContext(t.Context(), program, "audit", "-f", "--json", "--denied", "--last", "1", "-s", a.URL)
	command.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir())
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	shown := func(action string) {
		t.Helper()
		line, ok := <-lines
		var event struct {
			Action, Kind, Reason string
			Allowed              bool
		}
		if err := json.Unmarshal([]byte(line), &event); !ok || err != nil {
			t.Fatalf("%q, %v: no line of JSON about %s", line, err, action)
		}
		if event.Action != action || event.Allowed || event.Kind != "Anonymous" || !strings.Contains(event.Reason, "no policy permits it") {
			t.Errorf("%s, want a denied %s", line, action)
		}
	}
	shown("observe")
	// More than a page of 1 between two looks, of which none may be lost.
	a.byNetwork(t, "connect", "127.0.0.1:1").expect(t, 4, "", "unauthenticated")
	a.byNetwork(t, "services", "register", "../../proto/shop/v1/orders.proto", "--ns", "orders").expect(t, 4, "", "unauthenticated")
	shown("operate")
	shown("register")
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for line := range lines {
		t.Errorf("something else is shown: %s", line)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}
