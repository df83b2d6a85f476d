package call

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// While the log does not want calls, they pay nothing for it.
func TestUnwantedCallLogDoesNotAllocate(t *testing.T) { // AllocsPerRun forbids parallel tests
	o := &Observer{Self: "a", Log: slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelInfo}))}
	seen := o.Observe(observe.Native, "ns", "/x.S/Get")
	seen.Caller = "127.0.0.1:1"
	route := &mesh.Route{Executor: "a", Route: []string{"a"}}
	end := func() {
		seen.call.Start = time.Now()
		seen.End(route, nil)
	}
	if n := testing.AllocsPerRun(100, end); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
