package link

import "sync"

// shutdown is the end of a link: once, and for the first reason.
type shutdown struct {
	over    chan struct{}      // closed when the link fails or closes
	explain func(error) error  // what the first reason means, judged at that moment
	release func(reason error) // ends all that runs on the link
	once    sync.Once
	reason  error // readable after over
}

// fail ends the link. The first error is the one that counts. It returns when everything was told of it.
func (s *shutdown) fail(err error) {
	s.once.Do(func() {
		s.reason = s.explain(err)
		close(s.over)
		s.release(s.reason)
	})
}

// err is why the link is over; nil before.
func (s *shutdown) err() error {
	select {
	case <-s.over:
		return s.reason
	default:
		return nil
	}
}
