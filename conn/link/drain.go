package link

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
)

// Drain ends the link in order: it tells the other end to open nothing new, lets running calls of both ends finish,
// and then closes the link. Calls that the other end had on the way fail there as surely not executed. When ctx ends
// first, the link is closed with calls in flight and the context's error is returned.
func (l *Link) Drain(ctx context.Context) error {
	l.calls.goAway(math.MaxUint64)
	l.sendGoaway("draining")
	err := l.quiet(ctx)
	l.fail(ErrDrained)
	<-l.done
	return err
}

func (l *Link) sendGoaway(reason string) {
	b := binary.AppendUvarint(nil, l.served.startDrain())
	l.out.control(frameGoaway, 0, 0, appendText(b, reason)...)
}

// quiet waits until no call runs and every answer is written.
func (l *Link) quiet(ctx context.Context) error {
	for _, calm := range []func() <-chan struct{}{l.calls.whenIdle, l.served.whenIdle, l.out.whenEmpty} {
		select {
		case <-calm():
		case <-l.over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (l *Link) acceptGoaway(body []byte) error {
	p := payload{b: body}
	last := p.uvarint()
	reason := p.text(maxName)
	if p.err != nil {
		return p.err
	}
	refused := l.unavailable(false, errors.New("the other end is "+reason))
	for _, s := range l.calls.goAway(last) {
		if l.calls.remove(s.id) {
			s.abort(refused)
		}
	}
	return nil
}
