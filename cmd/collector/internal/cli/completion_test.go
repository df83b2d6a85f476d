package cli_test

import (
	"strings"
	"testing"
)

func TestCompletion(t *testing.T) {
	t.Parallel()
	server := newFake(t, fakeMesh{})
	dead := "http://127.0.0.1:1"
	for _, tt := range []struct {
		server string
		args   []string
		want   string
	}{
		{server, []string{"call", ""}, "shop.v1.OrderService/CreateOrder\tin orders"},
		{server, []string{"route", ""}, "Greeter/Greet\tin users"},
		{server, []string{"call", "--to", ""}, "b"},
		{server, []string{"call", "--ns", ""}, "orders"},
		{server, []string{"disconnect", ""}, "c"},
		{server, []string{"connections", "--state", ""}, "stale"},
		{server, []string{"serve", "--example", ""}, "inventory"},
		{server, []string{"completion", ""}, "fish"},
		{server, []string{"status", "--protocol", ""}, "grpcweb"},
		{server, []string{"status", "-o", ""}, "jsonl"},
		{dead, []string{"call", ""}, ":4"}, // only the directive: no error, no word
	} {
		args := append([]string{"__complete", "-s", tt.server, "--timeout", "1m"}, tt.args...)
		got := shell{}.run(t.Context(), args...)
		if got.exit != 0 || !strings.Contains("\n"+got.out, "\n"+tt.want) {
			t.Errorf("%v: exit %d\n%s%s", args, got.exit, got.out, got.err)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bash", "zsh", "fish", "powershell"} {
		got := shell{}.run(t.Context(), "completion", name)
		if got.exit != 0 || !strings.Contains(got.out, "collector") {
			t.Errorf("%s: exit %d, %d bytes", name, got.exit, len(got.out))
		}
	}
	shell{}.run(t.Context(), "completion", "tcsh").expect(t, 2, "tcsh")
}
