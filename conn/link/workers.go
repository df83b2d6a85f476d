package link

import (
	"sync"
)

// workers runs handlers on goroutines that are used again: a warm goroutine has the stack that handlers need, a new
// one grows it every time.
type workers struct {
	mu      sync.Mutex
	idle    []*worker // the most recently used last
	stopped bool
	serve   func(*serverCall)
}

type worker struct{ next chan *serverCall }

// run hands c to an idle goroutine, or to a new one.
func (w *workers) run(c *serverCall) {
	w.mu.Lock()
	if n := len(w.idle); n > 0 {
		free := w.idle[n-1]
		w.idle[n-1] = nil
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		free.next <- c
		return
	}
	w.mu.Unlock()
	go w.work(&worker{next: make(chan *serverCall, 1)}, c)
}

func (w *workers) work(self *worker, c *serverCall) {
	for c != nil {
		w.serve(c)
		c = nil
		if !w.rest(self) {
			return
		}
		c = <-self.next
	}
}

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
		close(worker.next)
	}
}

// stop lets all idle goroutines go; the busy ones follow when their handler returns.
func (w *workers) stop() {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.trim(0)
}
