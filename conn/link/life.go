package link

import "sync/atomic"

// state is where a call is in its life, on either end. The diagram and the table of its moves are in doc.go.
type state uint32

const (
	idle       state = iota // no frame of the call has left or come
	open                    // OPEN is on its way; more of the request follows
	halfClosed              // the request is whole; the answer is awaited
	answered                // END has come, or is written
	aborted                 // something else than an END has ended it
	refused                 // it was never opened and never will be
	closed                  // the caller was told the end, or the handler has returned
	states     = iota
)

func (s state) String() string { return stateNames[s] }

var stateNames = [states]string{"idle", "open", "half-closed", "answered", "aborted", "refused", "closed"}

// over reports whether nothing can be sent on the call any more.
func (s state) over() bool { return s >= answered }

// event is what moves a call from one state to another.
type event uint32

const (
	sentOpen     event = iota // OPEN, and more of the request follows
	sentWhole                 // OPEN with a half-close
	sentLast                  // a half-close after the OPEN
	sentEnd                   // END
	gaveUp                    // the caller did: its context was canceled, or CANCEL came
	timedOut                  // the deadline passed
	overLimit                 // a message that is too much, or that cannot be read
	linkLost                  // the link is over, or the other end drains and has not accepted the call
	cannotOpen                // what its OPEN would say cannot be sent
	returned                  // Receive has told the end, or the handler has returned
	eventsOfLife = iota
)

func (e event) String() string { return eventNames[e] }

var eventNames = [eventsOfLife]string{
	"OPEN", "OPEN-whole", "half-close", "END", "cancel", "deadline", "limit", "link-lost", "no-open", "return",
}

// moves holds the state after each event. idle stands for a move that is refused: nothing leads back there.
var moves = [states][eventsOfLife]state{
	idle: {
		sentOpen: open, sentWhole: halfClosed,
		gaveUp: refused, timedOut: refused, overLimit: refused, linkLost: refused, cannotOpen: refused,
	},
	open: {
		sentLast: halfClosed, sentEnd: answered,
		gaveUp: aborted, timedOut: aborted, overLimit: aborted, linkLost: aborted,
	},
	halfClosed: {
		sentEnd: answered,
		gaveUp:  aborted, timedOut: aborted, overLimit: aborted, linkLost: aborted,
	},
	answered: {returned: closed},
	aborted:  {returned: closed},
}

// openingEvent is that of an OPEN.
func openingEvent(whole bool) event {
	if whole {
		return sentWhole
	}
	return sentOpen
}

// life is the state of one call. All goroutines of the call may move it: the one whose event is not refused does what
// the event asks for, the others have come too late.
type life struct{ at atomic.Uint32 }

func (l *life) state() state { return state(l.at.Load()) }

// on moves the call. It returns the state that the event found; moved is false if the event is refused there.
func (l *life) on(e event) (from state, moved bool) {
	for {
		from = l.state()
		next := moves[from][e]
		if next == idle {
			return from, false
		}
		if l.at.CompareAndSwap(uint32(from), uint32(next)) {
			return from, true
		}
	}
}

// reset begins the life of another call in the same memory.
func (l *life) reset() { l.at.Store(uint32(idle)) }

// receiveState is what can still come out of the receiving half of a call. It is not the life of the call: a call that is
// answered goes on handing out what had arrived.
type receiveState uint32

const (
	receiving     receiveState = iota // messages arrive
	complete                          // the last message has arrived, or the end without one
	handedOver                        // Receive has all of it: it needs no lock for the rest
	failed                            // the end is an error, and what was queued is dropped
	receiveStates = iota
)

func (s receiveState) String() string { return receiveNames[s] }

var receiveNames = [receiveStates]string{"receiving", "complete", "handed-over", "failed"}

// arrival is what moves a receiving half.
type arrival uint32

const (
	lastCame   arrival = iota // a half-close or an END
	lastPopped                // Receive has popped what was left
	callEnded                 // the call is aborted
	unwanted                  // the receiver drops messages that have arrived
	arrivals   = iota
)

func (a arrival) String() string { return arrivalNames[a] }

var arrivalNames = [arrivals]string{"last", "popped", "abort", "drop"}

// receiveMoves holds the state after each arrival. receiving stands for a move that is refused: nothing leads back there.
var receiveMoves = [receiveStates][arrivals]receiveState{
	receiving: {lastCame: complete, callEnded: failed, unwanted: failed},
	complete:  {lastPopped: handedOver, unwanted: failed},
}

// receiveLife is the state of a receiving half. It is moved under the lock of the half and may be read without.
type receiveLife struct{ at atomic.Uint32 }

func (l *receiveLife) state() receiveState { return receiveState(l.at.Load()) }

// on moves the half and reports whether the arrival was not refused.
func (l *receiveLife) on(a arrival) (moved bool) {
	next := receiveMoves[l.state()][a]
	if next == receiving {
		return false
	}
	l.at.Store(uint32(next))
	return true
}

func (l *receiveLife) reset() { l.at.Store(uint32(receiving)) }
