package load

import "time"

// Plan is what a process of the rig calls. It travels as JSON.
type Plan struct {
	Number  int // tells the ids of its calls from those of other plans
	Clients []string
	Fronts  []Front
	Phases  []Phase
	// Before are the ids of the collectors that must answer before it begins.
	Before []string
	// Writes is how many of a thousand calls are of the method that may not be repeated.
	Writes int
	// Timeout of each call.
	Timeout time.Duration
	// Work is how long handlers take, on average; they vary by half of it.
	Work time.Duration
	// Long is how many of a thousand take LongWork.
	Long     int
	LongWork time.Duration
	// Outcomes is the file that they are written to.
	Outcomes string
}

// Front is a collector that is called.
type Front struct{ Name, Address string }

// Phase is a part of a plan.
type Phase struct {
	Rate float64 // calls per second
	For  time.Duration
}

// Took is how long the phases of a plan take.
func (p *Plan) Took() (all time.Duration) {
	for _, phase := range p.Phases {
		all += phase.For
	}
	return all
}

// at is when the call with a number is planned, from the beginning on; false beyond the last.
func (p *Plan) at(number int) (time.Duration, bool) {
	began, left := time.Duration(0), float64(number)
	for _, phase := range p.Phases {
		if calls := phase.Rate * phase.For.Seconds(); left >= calls {
			left -= calls
			began += phase.For
			continue
		}
		return began + time.Duration(left/phase.Rate*float64(time.Second)), true
	}
	return 0, false
}
