package rest

import "time"

const (
	// freely is how long work goes on before its first rest: what is short needs none.
	freely = 2 * time.Millisecond
	// stretch is how long it goes on between two rests, and share how much longer than that it rests.
	stretch = 500 * time.Microsecond
	share   = 5
	// steps are those between two looks at the clock.
	steps = 32
)

// Work is one long piece of work: nil, or made anew for each, and for one goroutine.
type Work struct {
	// Urgent reports whether somebody waits by now, so that it does not rest; nil for never.
	Urgent func() bool

	count int
	until time.Time // when it rests next; zero before the first look
	since time.Time
}

// Step is called before each step, and rests if it is time. Nil never rests.
func (w *Work) Step() {
	if w == nil {
		return
	}
	if w.count++; w.count%steps != 0 {
		return
	}
	now := time.Now()
	switch {
	case w.until.IsZero():
		w.since, w.until = now, now.Add(freely)
	case now.After(w.until):
		if w.Urgent == nil || !w.Urgent() {
			time.Sleep(min(share*now.Sub(w.since), share*freely))
		}
		w.since = time.Now()
		w.until = w.since.Add(stretch)
	}
}
