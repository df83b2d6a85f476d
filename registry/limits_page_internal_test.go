package registry

import (
	"testing"

	"github.com/collectiverpc/collective/internal/limitdoc"
)

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	remote := remoteDefaults()
	limitdoc.Check(t, "registry", limitdoc.Fields("registry.Limits", Limits{}.orDefaults()), map[string]any{
		"registry.WithAskTimeout":                    remote.timeout,
		"registry.WithCacheTTL":                      remote.ttl,
		"a refusal of a remote registry is believed": refusalTTL,
	})
}
