package workers

import (
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestBlockedCallsAreAllServed queues calls whose handlers wait for each other, so that each needs a goroutine of its own.
func TestBlockedCallsAreAllServed(t *testing.T) {
	t.Parallel()
	const calls = 100
	var met, served sync.WaitGroup
	met.Add(calls)
	served.Add(calls)
	p := New(func(*int) {
		defer served.Done()
		met.Done()
		met.Wait()
	})
	for n := range calls {
		p.Run(&n)
	}
	served.Wait()
	p.Stop()
}

// TestStopLetsGo has goroutines idle, busy and new when the pool stops; TestMain finds those that stay.
func TestStopLetsGo(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	p := New(func(wait *bool) {
		if *wait {
			close(began)
			<-finish
		}
	})
	short, long := false, true
	p.Run(&short)
	p.Run(&long)
	<-began
	p.TrimHalf()
	p.Stop()
	close(finish)
	p.Run(&short)
}
