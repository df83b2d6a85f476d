package remote_test

import (
	"testing"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
)

// A timeout of 0 is none, for watching commands' looks too.
func TestLimited(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]bool{0: false, time.Hour: true} {
		ctx, cancel := (&remote.Target{Timeout: timeout}).Limited(t.Context())
		defer cancel()
		if _, limited := ctx.Deadline(); limited != want || ctx.Err() != nil {
			t.Errorf("%v: limited %v, %v", timeout, limited, ctx.Err())
		}
	}
}
