package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli"
)

func TestStatusVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../testdata/status.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Status int32
			GRPC   int
			Name   string
			Exit   int
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 12 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		if got := cli.ExitOfStatus(v.Status); got != v.Exit {
			t.Errorf("status %d exits %d, want %d", v.Status, got, v.Exit)
		}
		if v.Status == 200 {
			continue
		}
		if code := cli.CodeOfStatus(v.Status); int(code) != v.GRPC || code.String() != v.Name {
			t.Errorf("status %d is %d %v, want %d %s", v.Status, code, code, v.GRPC, v.Name)
		}
	}
}

func TestExitOfEveryCode(t *testing.T) {
	t.Parallel()
	for code := connect.CodeCanceled; code <= connect.CodeUnauthenticated; code++ {
		want := 64 + int(code)
		if code == connect.CodeUnauthenticated {
			want = 4
		}
		if got := cli.ExitOfCode(code); got != want {
			t.Errorf("%v exits %d, want %d", code, got, want)
		}
	}
}

// Whatever asks a collector says so when there is none, and exits 3.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"status", "connections", "connections ls", "connections history", "connections watch", "connections prune", "services", "services ls",
		"services describe shop.v1.OrderService", "services register testdata/schema/registered/tea/v1/tea.proto --ns tea",
		"services check testdata/schema/registered/tea/v1/tea.proto --ns tea", "route Some/Method", "tap", "tap --once", "top",
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
