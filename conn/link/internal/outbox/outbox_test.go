package outbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const limit = 1 << 20

func never() bool { return false }

// queue gives a message of n bytes of the call to the outbox.
func queue(t *testing.T, o *Outbox, half *Half, call uint64, n int) (m *Message, all bool) {
	t.Helper()
	m = &Message{Type: frame.TypeMessage, Call: call, Flags: frame.FlagMessage, Data: make([]byte, n), Half: half}
	if err := o.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer o.Unlock()
	return m, o.Queue(m, never)
}

func halfOf(credit int) *Half {
	h := new(Half)
	h.Begin(credit)
	return h
}

// calls are those of the frames in a batch, a frame each.
func calls(t *testing.T, b batch) (ids []uint64) {
	t.Helper()
	var whole bytes.Buffer
	for _, piece := range b.pieces(nil, 0) {
		whole.Write(piece)
	}
	r := frame.NewReader(&whole, func(int) {})
	for {
		h, _, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ids
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, h.Call)
	}
}

// TestTurns has three large messages and a control frame: what goes at once goes first, the rest takes turns, a part each,
// behind the control frame.
func TestTurns(t *testing.T) {
	t.Parallel()
	o := New(limit, false, nil)
	if _, all := queue(t, o, halfOf(limit), 1, 2*batchParts); all {
		t.Fatal("more than a batch of parts went at once")
	}
	o.nextBatch()
	for call := range uint64(2) {
		if _, all := queue(t, o, halfOf(limit), 3+2*call, batchParts); all {
			t.Fatal("a message overtook one that waits")
		}
	}
	o.Control(frame.TypePing, 0, 0, make([]byte, 8)...)
	got := calls(t, o.nextBatch())
	want := []uint64{0, 1, 3, 5, 1, 3, 5}
	if !slices.Equal(got, want) {
		t.Errorf("a batch of calls %d, want %d", got, want)
	}
}

// TestBlockedSenderWaits wants a message without credit to say so, and to leave when it gets some.
func TestBlockedSenderWaits(t *testing.T) {
	t.Parallel()
	o := New(limit, false, nil)
	half := halfOf(frame.MessageCost + 10)
	m, all := queue(t, o, half, 1, 20)
	if all || m.waits != forCredit {
		t.Fatalf("all: %v, waits: %v", all, m.waits)
	}
	if got := calls(t, o.nextBatch()); len(got) != 2 {
		t.Errorf("%d frames, want a part and the WINDOW of 0", len(got))
	}
	if err := o.AddCredit(half, 10); err != nil {
		t.Fatal(err)
	}
	o.nextBatch()
	if err := o.Await(t.Context(), m, time.Minute); err != nil || half.Spend(0) {
		t.Errorf("Await = %v, want no credit left either", err)
	}
	if err := o.AddCredit(half, 1<<31); err == nil {
		t.Error("credit without bound")
	}
}

// TestAwait ends a wait in every way.
func TestAwait(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(o *Outbox, half *Half, over chan struct{}, cancel func())
		want error
	}{
		"call over":   {func(o *Outbox, half *Half, _ chan struct{}, _ func()) { o.StopSender(half) }, ErrWithdrawn},
		"link over":   {func(_ *Outbox, _ *Half, over chan struct{}, _ func()) { close(over) }, ErrOver},
		"caller gone": {func(_ *Outbox, _ *Half, _ chan struct{}, cancel func()) { cancel() }, context.Canceled},
		"nobody":      {func(*Outbox, *Half, chan struct{}, func()) {}, ErrStalled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				over := make(chan struct{})
				o := New(limit, true, over)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				half := halfOf(0)
				m, _ := queue(t, o, half, 1, 100)
				tt.end(o, half, over, cancel)
				if err := o.Await(ctx, m, time.Minute); !errors.Is(err, tt.want) {
					t.Errorf("Await = %v, want %v", err, tt.want)
				}
				if half.large.Load() != nil || len(o.turns) != 0 {
					t.Error("the message is still there")
				}
				if err := o.AddCredit(half, limit); err != nil || len(o.turns) != 0 {
					t.Errorf("a withdrawn message got a turn, %v", err)
				}
			})
		})
	}
}

// TestCallOverBeforeItsMessage has the call end between the sender's look and its message.
func TestCallOverBeforeItsMessage(t *testing.T) {
	t.Parallel()
	o := New(limit, false, nil)
	m := &Message{Type: frame.TypeMessage, Call: 1, Data: make([]byte, 10), Half: halfOf(0)}
	if err := o.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.Queue(m, func() bool { return true })
	o.Unlock()
	if err := o.Await(t.Context(), m, time.Minute); !errors.Is(err, ErrWithdrawn) || len(calls(t, o.nextBatch())) != 0 {
		t.Errorf("Await = %v, want it withdrawn and nothing to leave", err)
	}
}

// TestInsets writes parts from where they lie, if they are the outbox's, and the same bytes either way.
func TestInsets(t *testing.T) {
	t.Parallel()
	var written [2]bytes.Buffer
	for i, vectored := range []bool{false, true} {
		o := New(limit, vectored, nil)
		owner := buffer.New(50_000)
		owner.B = owner.B[:50_000]
		m := &Message{Type: frame.TypeMessage, Call: 1, Data: owner.B, Owner: owner, Half: halfOf(limit)}
		if err := o.Lock(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !o.Queue(m, never) {
			t.Fatal("50 kB did not go at once")
		}
		o.Unlock()
		b := o.nextBatch()
		if (len(b.insets) > 0) != vectored {
			t.Errorf("%d insets, vectored: %v", len(b.insets), vectored)
		}
		w := NewWriter(&written[i], o, nobody{})
		if err := w.writeBatch(b, &net.Buffers{}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(written[0].Bytes(), written[1].Bytes()) || written[0].Len() < 50_000 {
		t.Errorf("%d and %d bytes written, want the same", written[0].Len(), written[1].Len())
	}
}

type nobody struct{}

func (nobody) WriteBegins() {}
func (nobody) WriteEnds()   {}

// TestSealed wants nothing to leave any more, and the number of the batch that did not.
func TestSealed(t *testing.T) {
	t.Parallel()
	o := New(limit, false, nil)
	o.Control(frame.TypePing, 0, 0)
	o.nextBatch()
	o.Control(frame.TypePing, 0, 0)
	if unsent := o.Seal(); unsent != 2 {
		t.Errorf("the first batch that did not leave is %d, want 2", unsent)
	}
	if err := o.Lock(t.Context()); !errors.Is(err, ErrOver) || len(calls(t, o.nextBatch())) != 0 {
		t.Errorf("Lock = %v, want the outbox over and nothing to leave", err)
	}
}

// TestNoRoom has senders wait until the writer takes what is there, and a flood of control frames be noticed.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	o := New(10, false, nil)
	o.Control(frame.TypePing, 0, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Lock(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Lock of a full outbox = %v", err)
	}
	o.AppendNow(make([]byte, floodMargin))
	if !o.Flooded() {
		t.Error("no flood")
	}
	o.nextBatch()
	if err := o.Lock(t.Context()); err != nil {
		t.Errorf("Lock = %v, want room", err)
	}
}
