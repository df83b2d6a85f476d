package link_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// What one call costs the others is measured: rounds with the fault and rounds without it take turns, and the medians
// count. Other processes on the machine disturb single rounds, even all of one comparison, but not in favor of one side;
// so a comparison that fails is repeated, and only one that fails every time fails the test.
const (
	roundLength = 100 * time.Millisecond
	rounds      = 9
	comparisons = 6
)

// figures are what a load measured.
type figures struct {
	rate float64 // calls per second
	p99  time.Duration
}

func nothing(context.Context) {}

// compare wants a load to keep at least 90 % of its rate and at most twice its p99 when there is the fault instead of
// the control beside it.
func compare(t *testing.T, load func(testing.TB) figures, control, fault func(context.Context)) {
	t.Helper()
	if raceEnabled || testing.Short() {
		t.Skip("measures")
	}
	load(t) // warm up
	for n := range comparisons {
		var with, without []figures
		for range rounds {
			without = append(without, beside(t, load, control))
			with = append(with, beside(t, load, fault))
		}
		usual, faulty := median(without), median(with)
		t.Logf("control %.0f/s, p99 %v; with the fault %.0f/s, p99 %v", usual.rate, usual.p99, faulty.rate, faulty.p99)
		if faulty.rate >= 0.9*usual.rate && faulty.p99 <= 2*usual.p99 {
			return
		}
		if n == comparisons-1 {
			t.Errorf("the others suffer in every comparison")
		}
	}
}

func beside(t *testing.T, load func(testing.TB) figures, other func(context.Context)) figures {
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { other(ctx) })
	defer done.Wait()
	defer cancel()
	return load(t)
}

func median(all []figures) figures {
	rates, tails := []float64{}, []time.Duration{}
	for _, f := range all {
		rates, tails = append(rates, f.rate), append(tails, f.p99)
	}
	slices.Sort(rates)
	slices.Sort(tails)
	return figures{rates[len(rates)/2], tails[len(tails)/2]}
}

// callersOf measures callers that each do op again and again, not more often than every pace.
func callersOf(callers int, pace time.Duration, newOp func(testing.TB) (op func() error)) func(testing.TB) figures {
	return func(t testing.TB) figures {
		start := time.Now()
		took := make([][]time.Duration, callers)
		var group sync.WaitGroup
		for i := range callers {
			op := newOp(t)
			group.Go(func() {
				for time.Since(start) < roundLength {
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
		length := time.Since(start)
		all := slices.Concat(took...)
		slices.Sort(all)
		return figures{float64(len(all)) / length.Seconds(), all[len(all)*99/100]}
	}
}

// echoStreams is a conversation of 1 KiB messages per caller.
func echoStreams(p pair) func(testing.TB) func() error {
	return func(t testing.TB) func() error {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		stream, err := p.client().Converse(ctx)
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
}

// TestFrozenReader lets one receiver stop while twenty other streams go on.
func TestFrozenReader(t *testing.T) { //nolint:paralleltest // measures
	p := newPairWith(t, config("a", echo{}), config("b", mixed{}))
	compare(t, callersOf(20, 0, echoStreams(p)), nothing, func(ctx context.Context) {
		stream := floodOf(t, ctx, p)
		<-ctx.Done()
		_ = stream.Close()
	})
}

// TestSlowReader lets one receiver take one message a millisecond.
func TestSlowReader(t *testing.T) { //nolint:paralleltest // measures
	p := newPairWith(t, config("a", echo{}), config("b", mixed{}))
	compare(t, callersOf(20, 0, echoStreams(p)), nothing, func(ctx context.Context) {
		stream := floodOf(t, ctx, p)
		for ctx.Err() == nil {
			<-time.After(time.Millisecond)
			if _, err := stream.Receive(); err != nil && ctx.Err() == nil {
				t.Error(err)
				break
			}
		}
		_ = stream.Close()
	})
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

// TestUpload sends 64 KiB messages without a pause beside small calls. In the control the same upload runs on another
// link: the processors are shared by everybody, and it is the link that is measured. See also TestUploadOnSlowWire.
func TestUpload(t *testing.T) { //nolint:paralleltest // measures
	p := newPairWith(t, config("a", echo{}), config("b", sink{}))
	other := newPairWith(t, config("a", echo{}), config("b", sink{}))
	small := callersOf(4, time.Millisecond, func(t testing.TB) func() error {
		return func() error {
			_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: textOf(100)})
			return err
		}
	})
	compare(t, small, func(ctx context.Context) { upload(ctx, other) }, func(ctx context.Context) { upload(ctx, p) })
}

func upload(ctx context.Context, p pair) {
	stream, err := p.client().Converse(ctx)
	text := textOf(64 << 10)
	for err == nil {
		err = stream.Send(&testingv1.ConverseRequest{Text: text})
	}
	_ = stream.Close()
}
