//go:build !race

package registry_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/collectiverpc/collective/registry"
)

// A restart with 10 000 services from 1000 files takes some 0.3 s. The race detector makes times meaningless.
func TestRestartWithTenThousandServicesIsFast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	fill(t, path, 10, 100, 10)
	start := time.Now()
	r := newRegistry(t, registry.WithDB(openDB(t, path)))
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("the restart took %v", took)
	}
	if got := len(listAll(t, r, "", 0)); got != 10_000 {
		t.Errorf("%d services", got)
	}
}
