package session

import (
	"testing"

	"github.com/collectiverpc/collective/internal/limitdoc"
)

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	limitdoc.Check(t, "session", map[string]any{
		"a link to log in to the console":          LoginAge,
		"such links at once":                       MostLogins,
		"a console session that nobody uses":       IdleTime,
		"a console session":                        LongestTime,
		"console sessions at once":                 MostSessions,
		"refused logins that are told of, at once": RefusedBurst,
	})
}
