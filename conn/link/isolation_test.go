package link_test

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// What one call costs the others has two parts. How long they wait for each other is seen on fake time, on which processors
// cost nothing and nothing else disturbs. What they pay in processor time is measured against a control, round by round in
// turns, and so is what is left, the latency beside an upload on a real wire. Whatever else the machine does makes a round
// of one half as dear or twice as dear as that of the other, so it is the number of bad rounds that is judged.

// TestFrozenReader lets one receiver stop while twenty other streams go on.
func TestFrozenReader(t *testing.T) {
	t.Parallel()
	undisturbed(t, func(t *testing.T, _ context.Context, p pair) {
		floodOf(t, t.Context(), p)
		<-time.After(time.Second) // until its credit is used up
	})
}

// TestSlowReader lets one receiver take one message a millisecond.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	undisturbed(t, func(t *testing.T, ctx context.Context, p pair) {
		stream := floodOf(t, t.Context(), p)
		<-time.After(time.Second)
		go func() {
			for {
				select {
				case <-time.After(time.Millisecond):
				case <-ctx.Done():
					return
				}
				if _, err := stream.Receive(); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		}()
	})
}

// undisturbed wants twenty conversations over 10 Gbit/s to keep at least 90 % of their rate and at most twice their p99
// beside a fault.
func undisturbed(t *testing.T, fault func(*testing.T, context.Context, pair)) {
	t.Helper()
	var usual, faulty figures
	synctest.Test(t, func(t *testing.T) { usual = conversations(t, throttled(t, 10_000*megabit, mixed{})) })
	synctest.Test(t, func(t *testing.T) {
		p := throttled(t, 10_000*megabit, mixed{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		fault(t, ctx, p)
		faulty = conversations(t, p)
	})
	t.Logf("control %.0f/s, p99 %v; with the fault %.0f/s, p99 %v", usual.rate, usual.p99, faulty.rate, faulty.p99)
	if faulty.rate < 0.9*usual.rate || faulty.p99 > 2*usual.p99 {
		t.Errorf("the others suffer: control %+v, with the fault %+v", usual, faulty)
	}
}

// figures are what a load measured.
type figures struct {
	rate float64 // calls per second
	p99  time.Duration
}

func conversations(t *testing.T, p pair) figures {
	return run(t, 10*time.Millisecond, 0, operations(t, 20, p, echoStream))
}

func operations(t *testing.T, n int, p pair, newOp func(*testing.T, pair) func() error) (ops []func() error) {
	for range n {
		ops = append(ops, newOp(t, p))
	}
	return ops
}

// run does each operation again and again, not more often than every pace.
func run(t *testing.T, length, pace time.Duration, ops []func() error) figures {
	start := time.Now()
	took := make([][]time.Duration, len(ops))
	var group sync.WaitGroup
	for i, op := range ops {
		group.Go(func() {
			for time.Since(start) < length {
				begun := time.Now()
				if err := op(); err != nil {
					t.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(begun))
				if pace > 0 {
					<-time.After(pace - time.Since(begun))
				}
			}
		})
	}
	group.Wait()
	all := slices.Concat(took...)
	if len(all) == 0 {
		t.Fatal("nothing was measured")
	}
	slices.Sort(all)
	return figures{float64(len(all)) / time.Since(start).Seconds(), all[len(all)*99/100]}
}

// echoStream is a conversation of 1 KiB messages.
func echoStream(t *testing.T, p pair) func() error {
	stream, err := p.client().Converse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := textOf(1 << 10)
	return func() error {
		if err := stream.Send(&testingv1.ConverseRequest{Text: text}); err != nil {
			return err
		}
		_, err := stream.Receive()
		return err
	}
}

const (
	rounds = 41
	// tooMany of the rounds would be bad by chance, if a bad one is as likely as a good one, in one run of 2000; if the
	// others suffer in truth, and the machine has nothing else to do, all are.
	tooMany = 31
)

// TestFrozenReaderCosts the others no processor time, either.
func TestFrozenReaderCosts(t *testing.T) { //nolint:paralleltest // measures
	if testing.Short() {
		t.Skip("measures")
	}
	control := newPairWith(t, config("a", echo{}), config("b", mixed{}))
	faulty := newPairWith(t, config("a", echo{}), config("b", mixed{}))
	floodOf(t, t.Context(), faulty)
	links := [2][]func() error{operations(t, 20, control, echoStream), operations(t, 20, faulty, echoStream)}
	var ratios []float64
	for range rounds {
		ratios = append(ratios, 1/processorTime(t, links[0])*processorTime(t, links[1]))
	}
	t.Logf("%.2f of the control's processor time (%.2f to %.2f)", median(ratios), slices.Min(ratios), slices.Max(ratios))
	if bad := above(ratios, 1/0.9); bad >= tooMany {
		t.Errorf("the others suffer: they paid more than a ninth in %d of %d rounds", bad, rounds)
	}
}

func median(ratios []float64) float64 { return slices.Sorted(slices.Values(ratios))[len(ratios)/2] }

func above(ratios []float64, limit float64) (n int) {
	for _, ratio := range ratios {
		if ratio > limit {
			n++
		}
	}
	return n
}

// processorTime is what 40 of each operation cost, in seconds.
func processorTime(t *testing.T, ops []func() error) float64 {
	before := processUsage(t)
	var group sync.WaitGroup
	for _, op := range ops {
		group.Go(func() {
			for range 40 {
				if err := op(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	return (processUsage(t) - before).Seconds()
}

func processUsage(t *testing.T) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// mixed echoes a conversation, or floods its caller with the first message if that is large.
type mixed struct{ echo }

func (m mixed) Converse(ctx context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	for {
		req, err := stream.Receive()
		if err != nil {
			return orderly(err)
		}
		for again := true; again; again = len(req.GetText()) == floodSize {
			if err := stream.Send(&testingv1.ConverseResponse{Text: req.GetText()}); err != nil {
				return err
			}
		}
	}
}

const floodSize = 10_000

func floodOf(t *testing.T, ctx context.Context, p pair) testingv1connect.EchoServiceConverseClientStream {
	stream, err := p.client().Converse(ctx)
	if err == nil {
		err = stream.Send(&testingv1.ConverseRequest{Text: textOf(floodSize)})
	}
	if err != nil {
		t.Error(err)
	}
	return stream
}

// TestUpload sends 64 KiB messages without a pause beside small calls. The control has the same small calls on another link
// at the same time, so that whatever the processors are busy with hits both: it is the link that is measured. See also
// TestUploadOnSlowWire.
func TestUpload(t *testing.T) { //nolint:paralleltest // measures
	if raceEnabled || testing.Short() {
		t.Skip("measures what the detector makes several times slower")
	}
	links := [2]pair{newPairWith(t, config("a", echo{}), config("b", sink{})), newPairWith(t, config("a", echo{}), config("b", sink{}))}
	small := func(t *testing.T, p pair) func() error {
		return func() error {
			_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: textOf(100)})
			return err
		}
	}
	ops := [2][]func() error{operations(t, 4, links[0], small), operations(t, 4, links[1], small)}
	var ratios []float64
	for n := range rounds / 2 {
		beside, control := n%2, 1-n%2
		ctx, cancel := context.WithCancel(t.Context())
		var uploading, both sync.WaitGroup
		uploading.Go(func() { upload(ctx, links[beside]) })
		var got [2]figures
		for i := range got {
			both.Go(func() { got[i] = run(t, 100*time.Millisecond, time.Millisecond, ops[i]) })
		}
		both.Wait()
		cancel()
		uploading.Wait()
		ratios = append(ratios, float64(got[beside].p99)/float64(got[control].p99))
	}
	t.Logf("p99 beside the upload is %.2f of the control's (%.2f to %.2f)", median(ratios), slices.Min(ratios), slices.Max(ratios))
	if median(ratios) > 2 {
		t.Error("small calls suffer")
	}
}

func upload(ctx context.Context, p pair) {
	stream, err := p.client().Converse(ctx)
	text := textOf(64 << 10)
	for err == nil {
		err = stream.Send(&testingv1.ConverseRequest{Text: text})
	}
	_ = stream.Close()
}
