package link

import "sync"

// workers runs handlers on goroutines that are used again: a warm goroutine has the stack that handlers need, a new
// one grows it every time.
//
// Calls wait in a queue, and whoever puts one in or takes one out wakes a further goroutine, unless as many as a quarter
// of the queue are on their way to it. So a burst of short calls runs on a few goroutines without one hand-over a call,
// while calls whose handlers block are all begun within a few rounds.
type workers struct {
	mu      sync.Mutex
	queue   []*serverCall // head first
	head    int
	idle    []*worker // the most recently used last
	waking  int       // goroutines that were woken and have not looked at the queue yet
	stopped bool
	serve   func(*serverCall)
}

type worker struct{ next chan bool } // false: go away

// run makes c the next call to be served.
func (w *workers) run(c *serverCall) {
	w.mu.Lock()
	w.queue = append(w.queue, c)
	w.wake()
}

// wake makes sure that somebody comes for the queue, and unlocks.
func (w *workers) wake() {
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

func (w *workers) work(self *worker) {
	for awake := true; awake; awake = <-self.next {
		for c := w.take(true); c != nil; c = w.take(false) {
			w.serve(c)
		}
		if !w.rest(self) {
			return
		}
	}
}

// take returns the next call, if there is one. woken says that the goroutine was woken for it.
func (w *workers) take(woken bool) *serverCall {
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
func (w *workers) rest(self *worker) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return false
	}
	w.idle = append(w.idle, self)
	return true
}

// trimHalf lets half of the idle goroutines go, so that a burst is forgotten within seconds.
func (w *workers) trimHalf() {
	w.mu.Lock()
	idle := len(w.idle)
	w.mu.Unlock()
	w.trim(idle / 2)
}

// trim lets idle goroutines go until keep are left.
func (w *workers) trim(keep int) {
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

// stop lets all idle goroutines go; the busy ones follow when their handler returns.
func (w *workers) stop() {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.trim(0)
}
