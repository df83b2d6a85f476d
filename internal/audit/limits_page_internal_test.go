package audit

import (
	"testing"

	"github.com/collectiverpc/collective/internal/limitdoc"
)

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	limitdoc.Check(t, "audit", map[string]any{
		"events of the audit log, in memory":                                  MostInMemory,
		"events of the audit log, in a file":                                  MostKept,
		"age of an event in a file":                                           KeptFor,
		"equal denials are one event with a count":                            Together,
		"different denials of a caller that are kept one by one in that time": MostOfCaller,
	})
}
