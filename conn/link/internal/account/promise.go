package account

// Promise is memory for one message that is arriving. The lock of the message guards it. A nil Promise is one that nobody has
// asked for: all but Get may be called.
type Promise struct {
	to    Waiter // who is told when there may be memory
	size  int    // of the whole message in memory; 0: nothing was promised
	left  int    // that has not been used
	asked bool   // it waits for one
	ever  bool   // it has waited: somebody may still think that it does
}

// NewPromise makes one that nobody has asked for. w is told when there may be memory.
func NewPromise(w Waiter) *Promise { return &Promise{to: w} }

// Get reports whether there is a promise of size bytes, of which the message takes some already. If there is none, the message
// waits for it.
func (p *Promise) Get(a *Account, size, taken int) bool {
	switch {
	case p.size > 0:
		return true
	case p.asked:
		return false
	}
	if !a.Promise(size-taken, size, p.to) {
		p.asked, p.ever = true, true
		return false
	}
	p.size, p.left = size, size-taken
	return true
}

// Given reports whether there is one.
func (p *Promise) Given() bool { return p != nil && p.size > 0 }

// Use notes that the message takes n bytes more, which are counted by themselves.
func (p *Promise) Use(a *Account, n int) {
	if p == nil {
		return
	}
	used := min(n, p.left)
	p.left -= used
	a.Give(used)
}

// End ends the promise, of which what was not used is given back, and any wait for it.
func (p *Promise) End(a *Account) {
	if p == nil {
		return
	}
	if p.asked {
		a.Forget(p.to)
	}
	if p.size > 0 {
		a.Keep(p.size, p.left)
	}
	p.size, p.left, p.asked = 0, 0, false
}

// Resumed notes that the message was told, and waits no more.
func (p *Promise) Resumed() { p.asked = false }

// Waited reports whether the message has ever waited: then its memory must not be used for another.
func (p *Promise) Waited() bool { return p != nil && p.ever }
