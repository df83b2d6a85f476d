package observe

// DefaultCalls is how many finished calls are remembered one by one, about 3 MB of them.
const DefaultCalls = 8192

// Limits bound what a [Recorder] keeps. Zero fields mean the defaults.
type Limits struct {
	// Calls that are remembered one by one. Default DefaultCalls.
	Calls int
	// Methods and Peers that have series of their own; the rest share one. Default 256 each, at most about 100 kB for
	// one that is called all the time.
	Methods, Peers int
	// Watchers at the same time, of which one principal may have a quarter. Default 64.
	Watchers int
}

// withDefaults takes negative numbers for none given, too.
func (l Limits) withDefaults() Limits {
	return Limits{
		Calls: positive(l.Calls, DefaultCalls), Methods: positive(l.Methods, 256),
		Peers: positive(l.Peers, 256), Watchers: positive(l.Watchers, 64),
	}
}

// positive is n, or otherwise where n asks for nothing or makes no sense.
func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
