package expiry

import "time"

const (
	// atLeast is between two renewals, and the least that is waited for one.
	atLeast = time.Second
	// look is how long the clock may go unseen: a machine that slept has another time than its timers think.
	look = time.Hour
)

// Watch is the life of the certificates of one link. It is not safe for concurrent use.
type Watch struct {
	expires time.Time
	renew   time.Time // zero: somebody else does
}

// Begin watches from now on; renews tells that this side makes the next link. A zero time never expires.
func Begin(now, expires time.Time, renews bool) *Watch {
	w := &Watch{expires: expires}
	if renews && !expires.IsZero() {
		w.renew = expires.Add(-expires.Sub(now) / 3)
	}
	return w
}

// Wait is how long nothing is to be done.
func (w *Watch) Wait(now time.Time) time.Duration {
	next := w.expires
	if !w.renew.IsZero() && w.renew.Before(next) {
		next = w.renew
	}
	if w.expires.IsZero() {
		return look
	}
	return max(0, min(look, next.Sub(now)))
}

// Expired reports whether the link has to end.
func (w *Watch) Expired(now time.Time) bool { return Over(now, w.expires) }

// Over reports whether certificates have expired, by the clock of this side. A zero time never does.
func Over(now, expires time.Time) bool { return !expires.IsZero() && !now.Before(expires) }

// Renew reports whether it is time for another link.
func (w *Watch) Renew(now time.Time) bool {
	if w.renew.IsZero() || now.Before(w.renew) {
		return false
	}
	w.renew = now.Add(max(atLeast, w.expires.Sub(now)/2))
	return true
}
