//go:build !race

package registry_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/collectiverpc/collective/registry"
)

// A restart with 10 000 services from 1000 files takes some 0.3 s. The race detector makes times meaningless; what else
// the machine does makes those on the clock so, and the processor's are judged.
func TestRestartWithTenThousandServicesIsFast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	fill(t, path, 10, 100, 10)
	start := processorTime(t)
	r := newRegistry(t, registry.WithStore(openDB(t, path)))
	if took := processorTime(t) - start; took > 2*time.Second {
		t.Errorf("the restart took %v of processor time", took)
	}
	if got := len(listAll(t, r, "", 0)); got != 10_000 {
		t.Errorf("%d services", got)
	}
}

func processorTime(t *testing.T) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
