package demo_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/cmd/collector/internal/demo"
)

func TestReport(t *testing.T) {
	t.Parallel()
	good := demo.Report{
		Calls: 42, SeededFaults: 2, UnavailableDuringOutage: 4, Executors: map[string]int{"b": 10, "a": 20, "c": 6}, Routed: 27,
		Killed: "b", Recovered: true, RecoveryMillis: 640, Seconds: 10.04,
	}
	bad := demo.Report{
		Calls: 2, Failed: 1, SeededFaults: 1, UnavailableDuringOutage: 1, Executors: map[string]int{"a": 1}, Routed: 1, Killed: "b", Seconds: 3,
		Failures: []string{"X asked of a: 500 oh"}, Kept: "/keep",
	}
	for _, tt := range []struct {
		report demo.Report
		ok     bool
		want   string
	}{
		{good, true, `
42 calls in 10.0 s, 0 failed, 27 ran on another collector than the one asked
executed by     a 20 · b 10 · c 6
2 calls of ReserveStock failed on purpose: the handler's own error, delivered as it is
while b was away, 4 calls for it failed with unavailable
b went away and was restarted: its connection went stale, and active again 0.6 s after the restart
`},
		{bad, false, `
2 calls in 3.0 s, 1 failed, 1 ran on another collector than the one asked
executed by     a 1
1 call of ReserveStock failed on purpose: the handler's own error, delivered as it is
while b was away, 1 call for it failed with unavailable
b did NOT come back: its connection was not seen stale and then active
FAILED X asked of a: 500 oh
databases and logs are in /keep
`},
	} {
		var b bytes.Buffer
		if err := tt.report.Write(&b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, b.String()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if tt.report.OK() != tt.ok {
			t.Errorf("OK is %v", tt.report.OK())
		}
	}
}

func TestReportIsNotOKWithoutARoutedCall(t *testing.T) {
	t.Parallel()
	for _, report := range []demo.Report{{Recovered: true}, {Routed: 1}, {Recovered: true, Routed: 1, Failed: 1}} {
		if report.OK() {
			t.Errorf("%+v is OK", report)
		}
	}
}
