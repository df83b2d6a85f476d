package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Without cgo everything builds. What needs SQLite says what is missing and what to do, and leaves nothing behind; what
// needs none runs.
func TestWithoutCgo(t *testing.T) {
	t.Parallel()
	driverless := filepath.Join(t.TempDir(), "collector")
	for _, args := range [][]string{{"build", "../../..."}, {"build", "-o", driverless, "."}} {
		build := exec.CommandContext(t.Context(), "go", args...)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			t.Fatalf("CGO_ENABLED=0 go %v: %v\n%s", args, err, output)
		}
	}
	dir := t.TempDir()
	run(t, driverless, "serve", "--listen", "127.0.0.1:0", "--db", filepath.Join(dir, "a.db")).
		expect(t, 1, "", "built without cgo, which the SQLite store needs: use the memory store (collector serve --db memory), or build with CGO_ENABLED=1")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	a := serveBy(t, driverless, "serve", "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders")
	a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":1}`).expect(t, 0, "o-1", "handled by a")
}
