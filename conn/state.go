package conn

import (
	"fmt"

	"github.com/collectiverpc/collective/gen/collector"
)

// The states of a connection, in short. The words for people are in [StateName].
const (
	stateNone   = collector.ConnectionState_CONNECTION_STATE_UNSPECIFIED
	stateActive = collector.ConnectionState_CONNECTION_STATE_ACTIVE
	stateIdle   = collector.ConnectionState_CONNECTION_STATE_IDLE
	stateStale  = collector.ConnectionState_CONNECTION_STATE_STALE
	stateClosed = collector.ConnectionState_CONNECTION_STATE_CLOSED
	stateFailed = collector.ConnectionState_CONNECTION_STATE_FAILED
)

// event is what happens to a connection. There are no others.
type event int

const (
	// eventAgreed: both sides agreed on the connection and its link is up.
	eventAgreed event = iota
	// eventQuiet: no call crossed for idleAfter.
	eventQuiet
	// eventUsed: a call crossed.
	eventUsed
	// eventLost: the link ended without a goodbye, or this collector or the peer stopped or restarted.
	eventLost
	// eventDeparted: a peer that had dialled stopped in good order, and said so.
	eventDeparted
	// eventDisconnected: somebody on either side disconnected by hand.
	eventDisconnected
	// eventRefused: an error that dialling again cannot mend.
	eventRefused
)

// next returns the state that follows, and whether the event may happen in this state at all. It is the only place
// that knows.
func next(s collector.ConnectionState, e event) (collector.ConnectionState, bool) {
	switch {
	case e == eventAgreed:
		return stateActive, true
	case e == eventQuiet && s == stateActive:
		return stateIdle, true
	case e == eventUsed && routable(s):
		return stateActive, true
	case e == eventLost && (routable(s) || s == stateStale):
		return stateStale, true
	case e == eventDeparted && (routable(s) || s == stateStale):
		return stateClosed, true
	case e == eventDisconnected && s != stateNone:
		return stateClosed, true
	case e == eventRefused && s != stateNone && s != stateClosed:
		return stateFailed, true
	}
	return s, false
}

// routable reports whether calls can go to a peer in this state.
func routable(s collector.ConnectionState) bool { return s == stateActive || s == stateIdle }

// StateName returns the one word for a state that the command line, the console and the logs use: active, idle, stale,
// closed or failed; unknown for anything else.
func StateName(s collector.ConnectionState) string {
	switch s {
	case stateActive:
		return "active"
	case stateIdle:
		return "idle"
	case stateStale:
		return "stale"
	case stateClosed:
		return "closed"
	case stateFailed:
		return "failed"
	}
	return "unknown"
}

func (e event) String() string {
	names := [...]string{"agreed", "quiet", "used", "lost", "departed", "disconnected", "refused"}
	if e < 0 || int(e) >= len(names) {
		return fmt.Sprintf("event(%d)", int(e))
	}
	return names[e]
}
