package cli_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
)

// Whatever asks a collector says so when there is none, and exits 3.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"status", "connections", "connections ls", "connections history", "connections watch", "connections prune", "services", "services ls",
		"services describe shop.v1.OrderService", "services register testdata/schema/registered/tea/v1/tea.proto --ns tea",
		"services check testdata/schema/registered/tea/v1/tea.proto --ns tea", "services unregister Tea --ns tea", "route Some/Method", "tap", "tap --once", "top",
		"connect 127.0.0.1:1", "disconnect b", "call Some/Method", "bench Some/Method", "dispatch users Some/Method", "check", "console",
	} {
		got := shell{}.on(t, "http://127.0.0.1:1", strings.Fields(line)...)
		if got.exit != 3 || got.out != "" || !strings.Contains(got.err, "no collector answers at http://127.0.0.1:1") {
			t.Errorf("%s: exit %d, %q, %s", line, got.exit, got.out, got.err)
		}
	}
}

// A collector of the seed has no MeshService: the literal RPC is sent all the same.
func TestDispatchNeedsNoMeshService(t *testing.T) {
	t.Parallel()
	server := newFake(t, fakeMesh{err: connect.NewError(connect.CodeUnimplemented, "not of the seed")})
	got := shell{}.on(t, server, "dispatch", "users", "Greeter/Greet", "-d", `"u-1"`)
	if got.exit != 0 || !strings.Contains(got.out, `"value": "u-1"`) {
		t.Errorf("exit %d, %s%s", got.exit, got.out, got.err)
	}
}
