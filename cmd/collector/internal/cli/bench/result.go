package bench

import (
	"fmt"
	"strconv"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

// Result is what bench answers. Latencies are of all calls, the failed ones too.
type Result struct {
	Calls   int     `json:"calls"`
	Errors  int64   `json:"errors"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"calls_per_second"`
	P50     int64   `json:"p50_nanos"`
	P90     int64   `json:"p90_nanos"`
	P99     int64   `json:"p99_nanos"`
	Max     int64   `json:"max_nanos"`
	First   string  `json:"first_error,omitempty"`
	first   *failure.Error
}

// View shows the result.
func (r Result) View() render.View {
	v := render.View{Document: r, Columns: render.Columns("CALLS", "ERRORS", "CALLS/S", "P50", "P90", "P99", "MAX")}
	v.Rows = [][]render.Cell{{
		render.Text(strconv.Itoa(r.Calls)), render.Text(strconv.FormatInt(r.Errors, 10)), render.Text(fmt.Sprintf("%.0f", r.Rate)),
		render.Span(r.P50), render.Span(r.P90), render.Span(r.P99), render.Span(r.Max),
	}}
	return v
}

// CSV is the result as a line of comma-separated values, after one with their names.
func (r Result) CSV() string {
	return fmt.Sprintf("calls,errors,seconds,calls_per_second,p50_nanos,p90_nanos,p99_nanos,max_nanos\n%d,%d,%.3f,%.1f,%d,%d,%d,%d\n",
		r.Calls, r.Errors, r.Seconds, r.Rate, r.P50, r.P90, r.P99, r.Max)
}

// Failure is why a load with errors is no success; nil without any.
func (r Result) Failure() error {
	if r.Errors == 0 {
		return nil
	}
	f := failure.Newf("%d of %d calls failed, the first: %s", r.Errors, r.Calls, r.First)
	if r.first != nil {
		f.Why, f.Messages = r.first.Why, r.first.Messages
	}
	return f
}
