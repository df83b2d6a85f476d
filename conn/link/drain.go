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

// drain is the end of a link in order.
type drain struct {
	core   *core
	caller *caller
	server *server
}

// run returns when no call runs and the other end has hung up, or soon will.
//
// The drained end does not hang up itself: closing a connection on which something has arrived unread may destroy what
// was sent last. It says that nothing runs any more, and the other end hangs up.
func (d *drain) run(ctx context.Context) error {
	d.sendGoaway(0, d.server.table.startDrain(), "draining")
	err := d.quiet(ctx)
	if err == nil {
		d.sendGoaway(frame.FlagHalfClose, 0, "drained")
		d.awaitHangUp(ctx)
	}
	if errors.Is(err, ErrDrained) {
		return nil // the other end drained too and was faster
	}
	return err
}

func (d *drain) sendGoaway(flags uint8, last uint64, reason string) {
	d.core.out.Control(frame.TypeGoaway, flags, 0, frame.AppendText(binary.AppendUvarint(nil, last), reason)...)
}

// quiet waits until no call runs, and stops new ones in the same moment.
func (d *drain) quiet(ctx context.Context) error {
	if err := d.await(ctx, d.server.table.whenIdle()); err != nil {
		return err
	}
	for !d.caller.calls.closeIfIdle(ErrDrained) {
		if err := d.await(ctx, d.caller.calls.whenIdle()); err != nil {
			return err
		}
	}
	return d.core.end.err()
}

func (d *drain) await(ctx context.Context, event <-chan struct{}) error {
	select {
	case <-event:
		return nil
	case <-d.core.end.over:
		return d.core.end.err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *drain) awaitHangUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	_ = d.await(ctx, d.core.end.over)
}
