package conn

import "time"

// Redialling: exponential backoff with full jitter, and at most one dial a second per peer.
const (
	backoffBase   = 250 * time.Millisecond
	backoffFactor = 1.6
	backoffCap    = 15 * time.Second
	dialInterval  = time.Second
)

// backoff returns how long to wait before dial number attempt, counted from 0 after the loss. random is uniform in
// [0, 1): full jitter spreads the peers of a restarted collector over the whole interval, so that they do not all come
// back in one instant.
func backoff(attempt int, random float64) time.Duration {
	ceiling := float64(backoffBase)
	for range attempt {
		ceiling *= backoffFactor
		if ceiling >= float64(backoffCap) {
			return time.Duration(random * float64(backoffCap))
		}
	}
	return time.Duration(random * ceiling)
}

// untilDial returns how long to wait at now before the next dial: the backoff, but never so little that two dials to
// one peer start within dialInterval. A zero last means that there was no dial.
func untilDial(now, last time.Time, backoff time.Duration) time.Duration {
	if last.IsZero() {
		return backoff
	}
	return max(backoff, dialInterval-now.Sub(last))
}
