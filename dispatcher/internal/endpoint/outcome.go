package endpoint

// Outcome is what the end of a call tells of the peer that it ran on.
type Outcome int

const (
	// Abandoned is a call whose caller did not wait for the answer. It took at least as long as it was waited for.
	Abandoned Outcome = iota
	// Answered is a call that was answered, well or with what the handler says of its input.
	Answered
	// Late is a call whose deadline passed.
	Late
	// Refused is a call that the peer had no room for.
	Refused
	// Failed is a call that failed on its way, or with a code that says nothing of the input: unavailable, internal, unknown
	// or data_loss.
	Failed
)

// bad reports whether it counts as a slow answer, however quick it came: or those who fail at once would seem the best.
func (o Outcome) bad() bool { return o == Refused || o == Failed }
