package main_test

import (
	"strings"
	"syscall"
	"testing"
)

// A collector that had joined and says goodbye is closed, which is no problem, until it is pruned or comes back.
func TestGoodbye(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	b.on(t, "connect", a.Address).expect(t, 0, "active", "")
	b.signal(t, syscall.SIGTERM)
	if exit := b.wait(t); exit != 0 {
		t.Errorf("exit %d after SIGTERM:\n%s", exit, b.log)
	}
	until(t, "b to be closed", a.sees(t, "closed"))
	a.on(t, "check").expect(t, 0, "peer b\tok\tclosed", "")
	if got := a.on(t, "status"); got.exit != 0 || strings.Contains(got.err, "warning") {
		t.Errorf("exit %d: %s", got.exit, got.err)
	}
	a.on(t, "connections", "prune", "--older-than", "1h").expect(t, 0, "", "no connection is over")
	a.on(t, "connections", "prune").expect(t, 0, "b\t", "")
	a.on(t, "connections").expect(t, 0, "", "")
	if got := a.on(t, "connections", "-o", "name"); got.out != "" {
		t.Errorf("left are %s", got.out)
	}
}
