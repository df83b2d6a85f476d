// Package workers runs handlers on goroutines that are used again.
//
// Words:
//
//	queue   calls that nobody serves yet
//	idle    a goroutine that waits for the next call
//	waking  a goroutine that was woken and has not looked at the queue yet
package workers

import "sync"

// Pool runs handlers on goroutines that are used again: a warm goroutine has the stack that handlers need, a new
// one grows it every time.
//
// Calls wait in a queue, and whoever queues or pops one wakes a further goroutine, unless as many as a quarter
// of the queue are on their way to it. So a burst of short calls runs on a few goroutines without one hand-over a call,
// while calls whose handlers block are all begun within a few rounds.
type Pool[C any] struct {
	mu      sync.Mutex
	queue   []*C // head first
	head    int
	idle    []*worker // the most recently used last
	waking  int       // goroutines that were woken and have not looked at the queue yet
	stopped bool
	serve   func(*C)
}

// New returns a pool whose goroutines serve calls with a function.
func New[C any](serve func(*C)) *Pool[C] { return &Pool[C]{serve: serve} }

type worker struct{ next chan bool } // false: go away

// Run makes c the next call to be served.
func (w *Pool[C]) Run(c *C) {
	w.mu.Lock()
	w.queue = append(w.queue, c)
	w.wake()
}

// wake makes sure that somebody comes for the queue, and unlocks.
func (w *Pool[C]) wake() {
	if waiting := len(w.queue) - w.head; waiting == 0 || 4*w.waking > waiting {
		w.mu.Unlock()
		return
	}
	w.waking++
	n := len(w.idle)
	if n == 0 {
		w.mu.Unlock()
		go w.work(&worker{next: make(chan bool, 1)})
		return
	}
	free := w.idle[n-1]
	w.idle[n-1] = nil
	w.idle = w.idle[:n-1]
	w.mu.Unlock()
	free.next <- true
}

func (w *Pool[C]) work(self *worker) {
	for awake := true; awake; awake = <-self.next {
		for c := w.pop(true); c != nil; c = w.pop(false) {
			w.serve(c)
		}
		if !w.rest(self) {
			return
		}
	}
}

// pop returns the next call, if there is one. woken says that the goroutine was woken for it.
func (w *Pool[C]) pop(woken bool) *C {
	w.mu.Lock()
	if woken {
		w.waking--
	}
	if w.head == len(w.queue) {
		w.mu.Unlock()
		return nil
	}
	c := w.queue[w.head]
	w.queue[w.head] = nil
	w.head++
	if 2*w.head >= len(w.queue) { // half of it is history: a queue that never empties must not grow
		left := copy(w.queue, w.queue[w.head:])
		clear(w.queue[left:])
		w.queue, w.head = w.queue[:left], 0
	}
	w.wake()
	return c
}

// rest makes the goroutine idle, unless there is nothing more to wait for.
func (w *Pool[C]) rest(self *worker) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return false
	}
	w.idle = append(w.idle, self)
	return true
}

// TrimHalf lets half of the idle goroutines go, so that a burst is forgotten within seconds.
func (w *Pool[C]) TrimHalf() {
	w.mu.Lock()
	idle := len(w.idle)
	w.mu.Unlock()
	w.trim(idle / 2)
}

// trim lets idle goroutines go until keep are left.
func (w *Pool[C]) trim(keep int) {
	w.mu.Lock()
	surplus := max(0, len(w.idle)-keep)
	gone := append([]*worker(nil), w.idle[:surplus]...)
	w.idle = append(w.idle[:0], w.idle[surplus:]...)
	clear(w.idle[len(w.idle):cap(w.idle)])
	w.mu.Unlock()
	for _, worker := range gone {
		worker.next <- false
	}
}

// Stop lets all idle goroutines go; the busy ones follow when their handler returns.
func (w *Pool[C]) Stop() {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.trim(0)
}
