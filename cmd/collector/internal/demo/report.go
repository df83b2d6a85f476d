package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxFailures is how many failures a report quotes.
const maxFailures = 10

// Report is what the demo saw. Nothing in it is assumed: executors and routes come from the answers, recovered from
// MeshService.ListConnections.
type Report struct {
	Calls int `json:"calls"`
	// Failed counts calls that failed without an excuse.
	Failed int `json:"failed"`
	// UnavailableDuringOutage counts calls that needed the killed collector while it was away and failed with
	// unavailable, as documented.
	UnavailableDuringOutage int `json:"unavailable_during_outage"`
	// SeededFaults counts calls of ReserveStock that its handler failed on purpose; the mesh did all right.
	SeededFaults int `json:"seeded_faults"`
	// Executors maps collector ids to the calls they ran.
	Executors map[string]int `json:"executors"`
	// Routed counts calls that ran on another collector than the one asked.
	Routed int `json:"routed"`
	// Killed is the collector that was killed.
	Killed string `json:"killed"`
	// Recovered is whether its connection was seen stale after the kill and active after the restart.
	Recovered bool `json:"recovered"`
	// RecoveryMillis is how long after the restart it was active again, on both sides; 0 if not recovered.
	RecoveryMillis int64 `json:"recovery_ms"`
	// Seconds is how long calls were made.
	Seconds    float64     `json:"seconds"`
	Collectors []Collector `json:"collectors"`
	// Failures quotes the first of the failed calls.
	Failures []string `json:"failures,omitempty"`
	// Kept is the directory with databases and logs, if it was to be kept.
	Kept string `json:"kept,omitempty"`
}

// Collector is one of the processes.
type Collector struct {
	ID         string   `json:"id"`
	URL        string   `json:"url"`
	Namespaces []string `json:"namespaces"`
	Example    string   `json:"example"`
}

// OK tells whether everything went as it should.
func (r *Report) OK() bool { return r.Failed == 0 && r.Recovered && r.Routed > 0 }

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	var ran []string
	for _, id := range slices.Sorted(maps.Keys(r.Executors)) {
		ran = append(ran, fmt.Sprintf("%s %d", id, r.Executors[id]))
	}
	lines := []string{
		fmt.Sprintf("%s in %.1f s, %d failed, %d ran on another collector than the one asked",
			calls(r.Calls), r.Seconds, r.Failed, r.Routed),
		"executed by     " + strings.Join(ran, " · "),
		calls(r.SeededFaults) + " of ReserveStock failed on purpose: the handler's own error, delivered as it is",
		fmt.Sprintf("while %s was away, %s for it failed with unavailable", r.Killed, calls(r.UnavailableDuringOutage)),
		r.recoveryText(),
	}
	for _, failure := range r.Failures {
		lines = append(lines, "FAILED "+failure)
	}
	if r.Kept != "" {
		lines = append(lines, "databases and logs are in "+r.Kept)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(lines, "\n"))
	return err
}

// calls is a number of calls in words.
func calls(n int) string {
	if n == 1 {
		return "1 call"
	}
	return fmt.Sprintf("%d calls", n)
}

func (r *Report) recoveryText() string {
	if !r.Recovered {
		return fmt.Sprintf("%s did NOT come back: its connection was not seen stale and then active", r.Killed)
	}
	back := time.Duration(r.RecoveryMillis) * time.Millisecond
	return fmt.Sprintf("%s went away and was restarted: its connection went stale, and active again %.1f s after the restart",
		r.Killed, back.Seconds())
}

func (r *Report) fail(text string) {
	r.Failed++
	if len(r.Failures) < maxFailures {
		r.Failures = append(r.Failures, text)
	}
}
