package watch

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Hub knows everything in a process that can be read again. The zero Hub is ready; all methods are safe for concurrent
// use.
type Hub struct {
	mu      sync.Mutex
	readers []*reader
}

type reader struct {
	what   string
	reload func() error
}

// Add adds what can be read again, named as people would: "policies", "certificates". reload reads it at once and returns
// why the old one stays in force. remove takes it out again.
func (h *Hub) Add(what string, reload func() error) (remove func()) {
	added := &reader{what, reload}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers = append(h.readers, added)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.readers = slices.DeleteFunc(slices.Clone(h.readers), func(r *reader) bool { return r == added })
	}
}

// Reload reads everything again, in the order in which it was added. It returns what was read, and the reasons of what
// was not: that stays as it is.
func (h *Hub) Reload() (read []string, err error) {
	h.mu.Lock()
	readers := slices.Clone(h.readers)
	h.mu.Unlock()
	for _, r := range readers {
		if failed := r.reload(); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", r.what, failed))
			continue
		}
		read = append(read, r.what)
	}
	return read, err
}
