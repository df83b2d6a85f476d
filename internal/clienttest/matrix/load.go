package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/collectiverpc/collective/mesh"
)

// askGhz makes a few hundred calls where the others make one, and compares how often which code came.
func askGhz(ctx context.Context, r *rig, w way) []result {
	flags := []string{"--protoset", r.schema, "-O", "json", "--insecure"}
	if w.authority != "" {
		flags = []string{"--protoset", r.schema, "-O", "json", "--cacert", w.authority}
	}
	call := func(method, data string, n, atOnce int, more ...string) []string {
		load := []string{"--call", service + "." + method, "-d", data, "-n", strconv.Itoa(n), "-c", strconv.Itoa(atOnce)}
		return slices.Concat(flags, load, more, []string{w.address})
	}
	meeting := fmt.Sprintf(`{"x-echo":"ghz %s"}`, w.name)
	return tryAll(ctx, r.tools["ghz"], []question{
		{cell: unary, args: call("Echo", `{"text":"hi"}`, 200, 20), want: []string{`"statusCodeDistribution":{"OK":200}`}},
		{cell: serverStream, args: call("Count", `{"limit":3}`, 200, 20), want: []string{`"statusCodeDistribution":{"OK":200}`}},
		{cell: clientStream, args: call("Collect", `[{"number":1},{"number":2}]`, 200, 20), want: []string{`"statusCodeDistribution":{"OK":200}`}},
		{cell: bidi, args: call("Converse", `[{"text":"one"},{"text":"two"}]`, 200, 20), want: []string{`"statusCodeDistribution":{"OK":200}`}},
		{cell: deadline, args: call("Echo", `{"text":"wait"}`, 10, 10, "--timeout", "300ms"), want: []string{`{"DeadlineExceeded":10}`}},
		{cell: unknownMethod, args: call(missing, `{"text":"hi"}`, 10, 10), want: []string{`{"Unimplemented":10}`, missing}},
		{cell: unknownNamespace, args: call("Echo", `{"text":"hi"}`, 10, 10, "-m", `{"`+mesh.HeaderNamespace+`":"nowhere"}`),
			want: []string{`{"NotFound":10}`, "nowhere"}},
		{cell: together, args: call("Echo", `{"text":"together"}`, crowd, crowd, "-m", meeting), want: []string{`{"OK":100}`}},
	})
}

// askH2load posts JSON and compares the HTTP codes that it counts.
func askH2load(ctx context.Context, r *rig, w way) []result {
	base := "http://" + w.address + "/" + service + "/"
	if w.authority != "" {
		base = "https://" + w.address + "/" + service + "/"
	}
	call := func(method, text string, n int, more ...string) []string {
		load := []string{"-n", strconv.Itoa(n), "-c", "1", "-m", strconv.Itoa(n), "-H", "Content-Type: application/json"}
		return slices.Concat(load, []string{"-d", r.body(text)}, more, []string{base + method})
	}
	counts := func(c cell, args []string, codes string) question {
		return question{cell: c, args: args, want: []string{"status codes: " + codes}}
	}
	return tryAll(ctx, "h2load", []question{
		counts(unary, call("Echo", "hi", 50), "50 2xx, 0 3xx, 0 4xx, 0 5xx"),
		counts(deadline, call("Echo", "wait", 10, "-H", "Connect-Timeout-Ms: 300"), "0 2xx, 0 3xx, 0 4xx, 10 5xx"),
		counts(unknownMethod, call(missing, "hi", 10), "0 2xx, 0 3xx, 10 4xx, 0 5xx"),
		counts(unknownNamespace, call("Echo", "hi", 10, "-H", mesh.HeaderNamespace+": nowhere"), "0 2xx, 0 3xx, 10 4xx, 0 5xx"),
		counts(together, call("Echo", "together", crowd, "-H", "X-Echo: h2load "+w.name), "100 2xx, 0 3xx, 0 4xx, 0 5xx"),
	})
}

// loads are the texts that h2load posts; it reads them from files.
var loads = []string{"hi", "wait", "together"}

func (r *rig) body(text string) string { return filepath.Join(r.dir, text+".json") }

func (r *rig) writeBodies() error {
	for _, text := range loads {
		if err := os.WriteFile(r.body(text), []byte(`{"text":"`+text+`"}`), 0o600); err != nil {
			return err
		}
	}
	return nil
}
