package observe

import (
	"slices"
	"strings"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// filter is a [meshv1.DispatchFilter] made ready to judge many calls.
type filter struct {
	*meshv1.DispatchFilter
	procedure string
}

// newFilter folds the procedure once, instead of with every call. A nil filter selects everything.
func newFilter(f *meshv1.DispatchFilter) filter {
	return filter{f, foldProcedure(f.GetProcedure())}
}

// foldProcedure makes one spelling of those that people use of a method: /pkg.Service/Method and pkg.Service.Method, in
// any case.
func foldProcedure(s string) string { return strings.ReplaceAll(strings.ToLower(s), "/", ".") }

// selects wants everything that the filter names; what it leaves empty does not count. [selection.where] says the same in SQL.
func (f filter) selects(c *Call) bool {
	switch {
	case f.GetErrorsOnly() && !c.failed():
	case f.GetNamespace() != "" && f.GetNamespace() != c.Namespace:
	case f.GetCollectorId() != "" && f.GetCollectorId() != c.Source && f.GetCollectorId() != c.Executor:
	case f.GetSourceCollectorId() != "" && f.GetSourceCollectorId() != c.Source:
	case f.GetExecutorCollectorId() != "" && f.GetExecutorCollectorId() != c.Executor:
	case f.GetPrincipal() != "" && f.GetPrincipal() != c.Principal:
	case c.Duration.Nanoseconds() < f.GetMinDurationNanos():
	case len(f.GetCodes()) > 0 && !slices.Contains(f.GetCodes(), c.Code):
	case f.procedure != "" && !strings.Contains(foldProcedure(c.Procedure), f.procedure):
	default:
		return true
	}
	return false
}
