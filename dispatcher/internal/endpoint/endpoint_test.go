package endpoint

import (
	"testing"
	"time"
)

const ms = int64(time.Millisecond)

// after is the latency of an endpoint some time after what happened.
func after(t *testing.T, now int64, happened func(e *Endpoint)) time.Duration {
	t.Helper()
	e := NewTracker(nil).NewGroup("ns", "x.S").Endpoint("b")
	happened(e)
	return time.Duration(e.Latency(now))
}

func answers(e *Endpoint, now int64, took time.Duration, outcome Outcome) {
	e.Begin(now - int64(took))
	e.End(now, now-int64(took), outcome, "failed")
}

func TestLatency(t *testing.T) {
	t.Parallel()
	const start = int64(time.Hour)
	second := int64(time.Second)
	for _, tt := range []struct {
		name     string
		now      int64
		happened func(e *Endpoint)
		want     time.Duration
	}{
		{"nothing", start, func(*Endpoint) {}, 0},
		{"the first answer counts in full", start, func(e *Endpoint) { answers(e, start, 8*time.Millisecond, Answered) }, 8 * time.Millisecond},
		{"a slow one counts in full", start, func(e *Endpoint) {
			answers(e, start, 8*time.Millisecond, Answered)
			answers(e, start, time.Second, Answered)
		}, time.Second},
		{"a quick one at the same time changes nothing", start, func(e *Endpoint) {
			answers(e, start, time.Second, Answered)
			answers(e, start, time.Millisecond, Answered)
		}, time.Second},
		{"a quick one after the half-life counts for half", start + 2*second, func(e *Endpoint) {
			answers(e, start, time.Second, Answered)
			answers(e, start+2*second, 0, Answered)
		}, time.Second / 2},
		{"half is forgotten after the half-life", start + 2*second, func(e *Endpoint) { answers(e, start, time.Second, Answered) }, time.Second / 2},
		{"all in the end", start + 200*second, func(e *Endpoint) { answers(e, start, time.Second, Answered) }, 0},
		{"a failure of an unknown peer", start, func(e *Endpoint) { answers(e, start, 0, Failed) }, WorseLeast},
		{"a failure of a slow peer", start, func(e *Endpoint) {
			answers(e, start, 100*time.Millisecond, Answered)
			answers(e, start, 0, Failed)
		}, time.Second},
		{"failures are bounded", start, func(e *Endpoint) {
			for range 10 {
				answers(e, start, 0, Refused)
			}
		}, WorseMost},
		{"a failure that took longer", start, func(e *Endpoint) { answers(e, start, time.Minute, Failed) }, time.Minute},
		{"abandoned early tells nothing", start, func(e *Endpoint) {
			answers(e, start, time.Second, Answered)
			answers(e, start+2*second, time.Millisecond, Abandoned)
		}, time.Second},
		{"abandoned late tells how long it took at least", start, func(e *Endpoint) { answers(e, start, time.Second, Abandoned) }, time.Second},
		{"the call that waits", start + second, func(e *Endpoint) {
			answers(e, start, time.Millisecond, Answered)
			e.Begin(start)
		}, time.Second},
		{"since the last answer", start + second, func(e *Endpoint) {
			e.Begin(start)
			e.Begin(start)
			e.End(start+second-ms, start, Abandoned, "") // is no answer
			e.End(start+second-5*ms, start+second-6*ms, Answered, "")
			e.Begin(start + second - ms)
		}, time.Second - time.Millisecond}, // that of the abandoned one
		{"of calls that were answered nothing is left", start + 100*second, func(e *Endpoint) { answers(e, start, time.Second, Answered) }, 0},
	} {
		got := after(t, tt.now, tt.happened)
		if got < tt.want*99/100 || got > tt.want*101/100+time.Microsecond {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		latency float64
		load    int32
		share   float64
		want    float64
	}{
		{0, 0, 1, 1e6}, {5e5, 0, 1, 1e6}, {2e6, 0, 1, 2e6}, {2e6, 3, 1, 8e6}, {2e6, 3, 0.5, 14e6},
	} {
		if got := Cost(tt.latency, tt.load, tt.share); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// An endpoint that does not exist is that of a call without a choice.
func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	var e *Endpoint
	e.Begin(1)
	e.End(2, 1, Failed, "unavailable")
	e.Note(2, Failed, "unavailable")
	if e.Latency(3) != 0 || e.Standing(3) != "" {
		t.Error("something is known of nobody")
	}
}
