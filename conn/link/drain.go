package link

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// farewell is how long a drained end waits for the other to hang up.
const farewell = time.Second

// Drain ends the link in order: it tells the other end to open nothing new, lets running calls of both ends finish,
// and then closes the link. Calls that the other end had on the way fail there as surely not executed. This end may
// open calls as long as others run, as their handlers may need that. When ctx ends first, the link is closed with
// calls in flight and the context's error is returned.
//
// The drained end does not hang up itself: closing a connection on which something has arrived unread may destroy what
// was sent last. It says that nothing runs any more, and the other end hangs up.
func (l *Link) Drain(ctx context.Context) error {
	l.sendGoaway(0, l.served.startDrain(), "draining")
	err := l.quiet(ctx)
	if err == nil {
		l.sendGoaway(frame.FlagHalfClose, 0, "drained")
		l.awaitHangUp(ctx)
	}
	l.fail(ErrDrained)
	<-l.done
	if errors.Is(err, ErrDrained) {
		return nil // the other end drained too and was faster
	}
	return err
}

func (l *Link) sendGoaway(flags uint8, last uint64, reason string) {
	l.out.control(frame.TypeGoaway, flags, 0, frame.AppendText(binary.AppendUvarint(nil, last), reason)...)
}

// quiet waits until no call runs, and stops new ones in the same moment.
func (l *Link) quiet(ctx context.Context) error {
	if err := l.await(ctx, l.served.whenIdle()); err != nil {
		return err
	}
	for !l.calls.closeIfIdle(ErrDrained) {
		if err := l.await(ctx, l.calls.whenIdle()); err != nil {
			return err
		}
	}
	return l.Err()
}

func (l *Link) await(ctx context.Context, event <-chan struct{}) error {
	select {
	case <-event:
		return nil
	case <-l.over:
		return l.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Link) awaitHangUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	_ = l.await(ctx, l.over)
}

func (l *Link) acceptGoaway(h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	last := p.Uvarint()
	reason := p.Text(frame.MaxName)
	switch {
	case p.Err != nil:
		return p.Err
	case h.Has(frame.FlagHalfClose):
		return ErrDrained
	}
	refused := l.unavailable(false, errors.New("the other end is "+reason))
	for _, s := range l.calls.goAway(last) {
		if l.calls.remove(s.id) {
			s.abort(refused)
		}
	}
	return nil
}
