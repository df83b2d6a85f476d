package access

import (
	"testing"

	"github.com/collectiverpc/collective/access/internal/ruleset"
	"github.com/collectiverpc/collective/internal/limitdoc"
)

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	limitdoc.Check(t, "access", map[string]any{
		"id of a principal, name of a group":                 maxID,
		"groups of a principal":                              maxGroups,
		"names of all groups of a principal":                 limitdoc.Bytes(maxGroupBytes),
		"a caller, as it crosses links":                      limitdoc.Bytes(maxCallerText),
		"a policy file":                                      limitdoc.Bytes(ruleset.MaxBytes),
		"policies of a file":                                 ruleset.MaxPolicies,
		"one policy":                                         limitdoc.Bytes(ruleset.MaxPolicy),
		"brackets within brackets of a policy":               ruleset.MaxNesting,
		"tests by `has` in a policy":                         ruleset.MaxHas,
		"decisions that are remembered":                      maxDecisions,
		"buckets of rates, one for a principal and a policy": maxBuckets,
		"a denial is told again, with a count":               denialWindow,
		"different denials that are told in that time":       maxDenials,
	})
}
