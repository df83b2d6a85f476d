package endpoint

import (
	"testing"
	"time"
)

const sec = int64(time.Second)

// The model of ejection: what each event makes of each state. An event that is not named changes nothing.
func TestStandingModel(t *testing.T) {
	t.Parallel()
	const now = 1000 * sec
	states := map[string]standing{
		"serving":      {},
		"just back":    {times: 2, back: now - 5*sec},
		"long back":    {times: 2, back: now - 20*sec},
		"ejected":      {times: 1, until: now + sec},
		"over":         {times: 1, until: now},
		"over, proven": {times: 1, until: now - sec, proofs: Proofs - 1},
		"probed":       {times: 1, until: now, probed: true},
		"last probe":   {times: 1, until: now, probed: true, proofs: Proofs - 1},
		"at most":      {times: MostTimes, until: now, probed: true},
	}
	events := map[string]func(s *standing) bool{
		"eject":    func(s *standing) bool { s.eject(now, "why"); return true },
		"probe":    func(s *standing) bool { return s.probe(now) },
		"proved":   func(s *standing) bool { return s.proved(now) },
		"unproved": func(s *standing) bool { s.unproved(); return false },
		"refuted":  func(s *standing) bool { s.refuted(now, "why"); return false },
	}
	ejected := func(times int) standing {
		return standing{times: times, until: now + int64(times)*10*sec, why: "why"}
	}
	back := func(s standing, since int64) standing { s.back = since; return s }
	want := map[[2]string]standing{
		{"serving", "eject"}:      ejected(1),
		{"just back", "eject"}:    back(ejected(3), now-5*sec),
		{"long back", "eject"}:    back(ejected(1), now-20*sec),
		{"ejected", "eject"}:      ejected(2),
		{"over", "eject"}:         ejected(2),
		{"over, proven", "eject"}: ejected(2),
		{"probed", "eject"}:       ejected(2),
		{"last probe", "eject"}:   ejected(2),
		{"at most", "eject"}:      ejected(MostTimes),

		{"over", "probe"}:         {times: 1, until: now, probed: true},
		{"over, proven", "probe"}: {times: 1, until: now - sec, proofs: Proofs - 1, probed: true},

		{"probed", "proved"}:     {times: 1, until: now, proofs: 1},
		{"last probe", "proved"}: {times: 1, back: now, proofs: Proofs},
		{"at most", "proved"}:    {times: MostTimes, until: now, proofs: 1},

		{"probed", "unproved"}:     {times: 1, until: now},
		{"last probe", "unproved"}: {times: 1, until: now, proofs: Proofs - 1},
		{"at most", "unproved"}:    {times: MostTimes, until: now},

		{"probed", "refuted"}:     ejected(2),
		{"last probe", "refuted"}: ejected(2),
		{"at most", "refuted"}:    ejected(MostTimes),
	}
	yes := map[[2]string]bool{{"over", "probe"}: true, {"over, proven", "probe"}: true, {"last probe", "proved"}: true}
	for state, before := range states {
		for event, happens := range events {
			got, on := before, [2]string{state, event}
			answer := happens(&got)
			expected, changes := want[on]
			if !changes {
				expected = before
			}
			if got != expected {
				t.Errorf("%s, %s: %+v, want %+v", state, event, got, expected)
			}
			if event != "eject" && answer != yes[on] {
				t.Errorf("%s, %s: %v", state, event, answer)
			}
		}
	}
}
