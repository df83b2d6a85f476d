package bench

import (
	"fmt"
	"time"
)

// reportEvery is how often a load says how far it is.
const reportEvery = 5 * time.Second

// report says how far it is until stop is called.
func (l *Load) report(t *tally) (stop func()) {
	if l.Progress == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(reportEvery)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				l.Progress(l.howFar(t))
			}
		}
	}()
	return func() { close(end); <-ended }
}

func (l *Load) howFar(t *tally) string {
	if l.Duration > 0 {
		return fmt.Sprintf("%d calls, %d failed", t.done.Load(), t.failed.Load())
	}
	return fmt.Sprintf("%d of %d calls, %d failed", t.done.Load(), l.Calls, t.failed.Load())
}
