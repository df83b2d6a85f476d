package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A cell that a client says nothing about has failed, for the reason that its end gives.
func TestACellWithoutAWordHasFailed(t *testing.T) {
	t.Parallel()
	out := "a library's chatter\n{\"cell\":\"unary\"}\n{\"cell\":\"bidi\",\"problem\":\"two answers\"}\n"
	c := client{name: "it", cannot: map[cell]string{metadata: "it has none"}}
	got := newRow(c, way{name: "direct"}, append(parse([]byte(out)), result{Problem: "signal: aborted"}))
	for about, want := range map[cell]string{unary: "", bidi: "two answers", together: "the client ended before it"} {
		if problem, ok := got.found[about]; !ok || problem != want {
			t.Errorf("%s: %q, want %q", about, problem, want)
		}
	}
	if got.end != "signal: aborted" {
		t.Errorf("its end: %q", got.end)
	}
	if _, asked := got.found[metadata]; asked || sign(got.found, metadata) != "—" {
		t.Error("a cell with an excuse is counted")
	}
	if passed := got.passed(); passed != 1 || len(got.found) != len(cells)-1 {
		t.Errorf("%d of %d", passed, len(got.found))
	}
	if err := (report{rows: []row{got}}).failure(); err == nil {
		t.Error("a report with failures is none")
	}
}

// A page that says something else than what was measured fails, and is left as it is.
func TestThePageIsComparedWithWhatWasMeasured(t *testing.T) {
	t.Parallel()
	config := configuration{page: filepath.Join(t.TempDir(), "clients.md")}
	measured := report{ways: []way{{name: "direct"}}}
	if err := os.WriteFile(config.page, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := settle(measured, config); err == nil || !strings.Contains(err.Error(), "UPDATE=1") {
		t.Errorf("compared: %v", err)
	}
	config.update = true
	if err := settle(measured, config); err != nil {
		t.Fatal(err)
	}
	config.update = false
	if err := settle(measured, config); err != nil {
		t.Errorf("after an update: %v", err)
	}
}

// Each proxy's configuration is in the document, and listens where the rig can move it.
func TestTheDocumentHasEveryProxy(t *testing.T) {
	t.Parallel()
	for _, p := range proxies {
		if _, err := p.block("../../../docs/proxies.md"); err != nil {
			t.Error(err)
		}
		if got := p.at("127.0.0.1:8443"); !strings.Contains(got, "127.0.0.1:8443") || strings.Contains(got, "PORT") {
			t.Errorf("%s listens at %q", p.name, got)
		}
	}
}
