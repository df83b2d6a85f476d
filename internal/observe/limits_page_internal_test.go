package observe

import (
	"testing"

	"github.com/collectiverpc/collective/internal/limitdoc"
)

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	limits := Limits{}.withDefaults()
	if limits.Calls != DefaultCalls {
		t.Errorf("%d calls are remembered, not DefaultCalls", limits.Calls)
	}
	limitdoc.Check(t, "observe", map[string]any{
		"who watches at the same time": limits.Watchers, "of them, watchers of one principal": newWatchers(limits.Watchers).share,
	})
}
