package conn

import (
	"testing"

	"github.com/collectiverpc/collective/gen/collector"
)

func TestNext(t *testing.T) {
	t.Parallel()
	const none = stateNone
	events := []event{eventAgreed, eventQuiet, eventUsed, eventLost, eventDeparted, eventDisconnected, eventRefused}
	// One row a state, one column an event; none means that the event cannot happen there.
	table := map[collector.ConnectionState][]collector.ConnectionState{
		//            agreed       quiet      used         lost        departed     disconnected refused
		stateNone:   {stateActive, none, none, none, none, none, none},
		stateActive: {stateActive, stateIdle, stateActive, stateStale, stateClosed, stateClosed, stateFailed},
		stateIdle:   {stateActive, none, stateActive, stateStale, stateClosed, stateClosed, stateFailed},
		stateStale:  {stateActive, none, none, stateStale, stateClosed, stateClosed, stateFailed},
		stateClosed: {stateActive, none, none, none, none, stateClosed, none},
		stateFailed: {stateActive, none, none, none, none, stateClosed, stateFailed},
	}
	for from, row := range table {
		for i, want := range row {
			got, ok := next(from, events[i])
			if ok != (want != none) || ok && got != want {
				t.Errorf("next(%s, %s) = %s, %v; want %s", StateName(from), events[i], StateName(got), ok, StateName(want))
			}
			if !ok && got != from {
				t.Errorf("next(%s, %s) refused but moved to %s", StateName(from), events[i], StateName(got))
			}
		}
	}
}

func TestStateNameCoversTheProto(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for n := range collector.ConnectionState_name {
		name := StateName(collector.ConnectionState(n))
		if seen[name] {
			t.Errorf("two states are called %q", name)
		}
		seen[name] = true
	}
}
