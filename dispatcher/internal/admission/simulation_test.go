package admission

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

// fake is a method in fake time, behind a gate.
type fake struct {
	Gate
	policy Policy
	handle func(ctx context.Context) error
	origin time.Time

	mu    sync.Mutex
	calls sync.WaitGroup
	ended []ended
}

type ended struct {
	began, took time.Duration
	admitted    bool
	err         error
}

func newFake(handle func(context.Context) error) *fake {
	return &fake{origin: time.Now(), handle: handle, policy: Policy{Clock: endpoint.NewClock()}}
}

// load calls it so often a second.
func (f *fake) load(rate float64, took, timeout time.Duration) {
	began := time.Now()
	for i := 0; ; i++ {
		at := time.Duration(float64(i) / rate * float64(time.Second))
		if at >= took {
			elapse(took - time.Since(began))
			return
		}
		elapse(at - time.Since(began))
		f.calls.Go(func() { f.call(timeout) })
	}
}

func (f *fake) call(timeout time.Duration) {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	e := ended{began: time.Since(f.origin)}
	var pass Pass
	if pass, e.admitted = f.Enter(ctx, &f.policy); e.admitted {
		e.err = f.handle(ctx)
		f.Leave(&f.policy, pass, e.err == nil)
	}
	e.took = time.Since(f.origin) - e.began
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, e)
}

// of are the calls that began in a part of the time.
func (f *fake) of(from, to time.Duration) (answered []time.Duration, refused, failed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.ended {
		switch {
		case e.began < from || e.began >= to:
		case !e.admitted:
			refused++
		case e.err != nil:
			failed++
		default:
			answered = append(answered, e.took)
		}
	}
	slices.Sort(answered)
	return answered, refused, failed
}

func p99(sorted []time.Duration) time.Duration { return sorted[len(sorted)*99/100] }

// elapse lets fake time pass: all of this runs in a bubble of synctest.
func elapse(d time.Duration) { <-time.After(d) }

// pool is a handler behind which so many workers need so long for each call, varying by half of it. Who waits goes when its
// time is over.
func pool(workers int, work time.Duration) func(context.Context) error {
	free := make(chan struct{}, workers)
	return func(ctx context.Context) error {
		select {
		case free <- struct{}{}:
			defer func() { <-free }()
		case <-ctx.Done():
			return ctx.Err()
		}
		elapse(work/2 + rand.N(work))
		return nil
	}
}

// quiet fails the test if calls were refused or failed.
func (f *fake) quiet(t *testing.T, what string) (answered []time.Duration) {
	t.Helper()
	f.calls.Wait()
	answered, refused, failed := f.of(0, time.Hour)
	if refused+failed > 0 {
		t.Errorf("%s: %d calls were refused and %d failed, of %d", what, refused, failed, len(f.ended))
	}
	return answered
}

// beside has calls of another method in the same pool, ten times fewer.
func (f *fake) beside() *fake {
	return &fake{origin: f.origin, handle: f.handle, policy: f.policy}
}

// Three times of what five workers can do, as in F6 of the rig, and other bad loads: what is admitted is answered, nearly as soon
// as ever, and the workers are busy.
func TestOverload(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]overload{
		"three times":     {workers: 5, work: 50 * time.Millisecond, times: 3, timeout: time.Second, settles: time.Second},
		"ten times":       {workers: 5, work: 50 * time.Millisecond, times: 10, timeout: time.Second, settles: 3 * time.Second},
		"a bit more":      {workers: 5, work: 50 * time.Millisecond, times: 1.2, timeout: time.Second, settles: 4 * time.Second},
		"many workers":    {workers: 100, work: 50 * time.Millisecond, times: 3, timeout: time.Second, settles: time.Second},
		"long work":       {workers: 20, work: 500 * time.Millisecond, times: 3, timeout: 5 * time.Second, settles: 8 * time.Second},
		"short work":      {workers: 2, work: 5 * time.Millisecond, times: 3, timeout: time.Second, settles: time.Second},
		"usual deadlines": {workers: 10, work: 20 * time.Millisecond, times: 3, timeout: 30 * time.Second, settles: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, o.run)
		})
	}
}

// overload is a load of a pool that two methods share, the second with a tenth of it.
type overload struct {
	workers       int
	work, timeout time.Duration
	times         float64       // of what the workers can do
	settles       time.Duration // until when there is a limit
}

func (o overload) run(t *testing.T) {
	main := newFake(pool(o.workers, o.work))
	other := main.beside()
	capacity := float64(o.workers) / o.work.Seconds()
	calm, fault := max(4*time.Second, 20*o.work), o.settles+10*time.Second
	for _, f := range []*fake{main, other} {
		rate := capacity * 0.9
		if f == other {
			rate = capacity * 0.1
		}
		f.calls.Go(func() {
			f.load(rate/4, calm, o.timeout)
			f.load(rate*o.times, fault, o.timeout)
			f.load(rate/4, calm, o.timeout)
		})
	}
	main.calls.Wait()
	other.calls.Wait()
	o.judge(t, main, other, calm, calm+fault)
}

// judge has what the rig asks of F6, from when it has settled.
func (o overload) judge(t *testing.T, main, other *fake, began, over time.Duration) {
	t.Helper()
	settled := began + o.settles
	control, refused, failed := main.of(0, began)
	if refused+failed > 0 {
		t.Errorf("%d were refused and %d failed before the overload", refused, failed)
	}
	during, refused, failed := main.of(settled, over)
	beside, _, _ := other.of(settled, over)
	done := float64(len(during)+len(beside)) / (over - settled).Seconds()
	capacity := float64(o.workers) / o.work.Seconds()
	t.Logf("%.0f of %.0f/s, p50 %v, p99 %v, before %v; refused %d, failed %d", done, capacity, during[len(during)/2], p99(during), p99(control), refused, failed)
	if done < 0.9*min(1, o.times)*capacity {
		t.Errorf("%.0f calls/s were answered, want nearly %.0f", done, capacity)
	}
	if most := 3*p99(control) + 2*Slack; p99(during) > most {
		t.Errorf("calls took up to %v, want at most %v", p99(during), most)
	}
	if failed > 0 {
		t.Errorf("%d of the admitted calls were late", failed)
	}
	if _, refused, failed := main.of(over+2*time.Second, time.Hour); refused+failed > 0 {
		t.Errorf("%d were refused and %d failed 2 s after the overload", refused, failed)
	}
	if got := main.State(); got.Limit != 0 || got.Running != 0 {
		t.Errorf("after the overload the gate is %+v", got)
	}
}
