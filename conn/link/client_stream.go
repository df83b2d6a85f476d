package link

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

// protocolName is CallInfo.Protocol on both ends.
const protocolName = "link"

var clientStreams = sync.Pool{New: func() any { return new(clientStream) }}

// clientStream is the calling end of a call.
type clientStream struct {
	call

	opening sync.Mutex // Send and Receive may both be the first
	headers responseHeaders
	callerState
}

// callerState is what a clientStream forgets when it is used again.
type callerState struct {
	core  *core
	calls *callTable[clientStream]
	ctx   context.Context //nolint:containedctx // the stream lives as long as the call
	info  *connect.CallInfo
	name  frame.Name
	codec codec
	batch uint64 // the batch that the OPEN is in

	refused error       // why it is refused; guarded by opening
	unwatch func() bool // ends the watch on ctx; guarded by opening

	result error // what Receive has told; readable when closed
}

func (s *clientStream) SendHeaders() error {
	_, err := s.ensureOpen(0, encoded{})
	return err
}

func (s *clientStream) Send(msg any) error {
	if s.life.state() == halfClosed {
		return io.EOF
	}
	e, err := s.core.sender.encode(s.ctx, s.codec, msg)
	if err != nil {
		return s.sendError(err)
	}
	defer func() { e.release() }()
	if s.info != nil {
		s.info.SendStats = connect.MessageStats{Size: e.size}
	}
	flags := frame.FlagMessage
	if oneRequest(s.name.Kind) {
		flags |= frame.FlagHalfClose
	}
	if e.size > frame.PartSize {
		err = s.SendHeaders()
	} else if carried, openErr := s.ensureOpen(flags, e); carried || openErr != nil {
		return openErr
	}
	if err != nil {
		return err
	}
	if flags&frame.FlagHalfClose != 0 {
		s.life.on(sentLast)
	}
	return s.sendError(s.core.sender.send(s.ctx, &s.call, flags, s.codec, &e))
}

func (s *clientStream) CloseSend() error {
	carried, err := s.ensureOpen(frame.FlagHalfClose, encoded{})
	if carried || err != nil {
		return err
	}
	if _, moved := s.life.on(sentLast); moved {
		s.core.out.Control(frame.TypeMessage, frame.FlagHalfClose, s.id)
	}
	return nil
}

// sendError gives a failed Send its public form. The verdict of an ended call is Receive's to tell.
func (s *clientStream) sendError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, outbox.ErrOver):
		return s.sendEnded()
	case s.ctx.Err() != nil && errors.Is(err, s.ctx.Err()):
		return s.giveUp(err)
	}
	return s.cancel(overLimit, err)
}

// sendEnded is what Send returns when the call has ended on the other side. Callers that send one message do not look
// for io.EOF: they hear the verdict from Receive.
func (s *clientStream) sendEnded() error {
	if oneRequest(s.name.Kind) {
		return nil
	}
	return io.EOF
}

// ensureOpen sends the OPEN if that has not been done, with the message e if flags say that there is one, and reports
// whether it did.
func (s *clientStream) ensureOpen(flags uint8, e encoded) (bool, error) {
	if at := s.life.state(); at != idle && at != refused {
		return false, nil
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.life.state() != idle {
		return false, s.refused
	}
	if err := s.open(flags, e); err != nil {
		s.life.on(cannotOpen)
		s.refused = err
		return false, err
	}
	if s.name.Kind != connect.StreamTypeUnary && s.ctx.Done() != nil {
		s.unwatch = context.AfterFunc(s.ctx, func() { _ = s.giveUp(s.ctx.Err()) })
	}
	return true, nil
}

// open writes the OPEN before it takes the outbox, so that callers do not wait for each other's encoding. Only a name that
// is new, and gets a number, has to be written in the order in which the frames leave.
func (s *clientStream) open(flags uint8, e encoded) error {
	if err := s.ctx.Err(); err != nil {
		return callerGaveUp(err)
	}
	o, names := s.core.out, &s.core.names
	ref := names.Ref(s.name)
	ordered := ref == 0 && !names.Full(&s.name)
	f := buffer.New(e.size + openRoom)
	defer func() { f.Release() }()
	if !ordered {
		if err := s.writeOpen(f, flags, e, ref); err != nil {
			return err
		}
	}
	if err := o.Lock(s.ctx); err != nil {
		return s.core.notSent(err)
	}
	defer o.Unlock()
	if ordered {
		if err := s.writeOpen(f, flags, e, 0); err != nil {
			return err
		}
	}
	s.batch = o.Batch()
	s.out.Begin(s.core.window)
	if flags&frame.FlagMessage != 0 {
		s.out.Spend(e.size) // it is a part at most, which every window takes
	}
	id, err := s.calls.add(s)
	if err != nil {
		return s.core.unavailable(false, err)
	}
	s.id = id
	if _, moved := s.life.on(openingEvent(flags&frame.FlagHalfClose != 0)); !moved {
		return s.core.unavailable(false, errGoaway) // in this moment
	}
	frame.SetCall(f.B, s.id)
	o.Append(f.B)
	if ordered {
		names.Define(s.name)
	}
	return nil
}

// openRoom is what an OPEN needs besides its message, as a guess.
const openRoom = 256

// writeOpen writes the OPEN without its call id. A ref of 0 brings the name in full; the outbox is locked then, unless the name
// gets no number.
func (s *clientStream) writeOpen(f *buffer.Buffer, flags uint8, e encoded, ref uint64) (err error) {
	metadata, values := 0, 0
	if s.info != nil {
		metadata, values = frame.Measure(s.info.RequestHeader())
	}
	if !frame.WithinLimits(metadata, values) {
		return connect.Errorf(connect.CodeResourceExhausted, "request headers have %d bytes and %d values, a link takes at most %d and %d",
			metadata, values, frame.MaxMetadata, frame.MaxValues).WithCause(ErrHeaders)
	}
	if metadata > 0 {
		flags |= frame.FlagMetadata
	}
	b := frame.Begin(f.B, frame.TypeOpen, flags, 0)
	b = s.core.names.Append(b, ref, s.name)
	b = binary.AppendUvarint(b, timeoutOf(s.ctx))
	if metadata > 0 {
		b = frame.AppendMeasured(b, s.info.RequestHeader(), metadata)
	}
	if flags&frame.FlagMessage != 0 {
		if b, err = e.appendTo(b, s.codec); err != nil {
			return connect.Errorf(connect.CodeInternal, "marshal message: %v", err)
		}
	}
	f.B = frame.End(b, 0)
	return nil
}

// timeoutOf is the remaining time in microseconds, plus one; 0 is none.
func timeoutOf(ctx context.Context) uint64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return uint64(max(0, time.Until(deadline))/time.Microsecond) + 1
}

// giveUp cancels the call because its context is over and returns that in public form.
func (s *clientStream) giveUp(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return s.cancel(timedOut, callerGaveUp(err))
	}
	return s.cancel(gaveUp, callerGaveUp(err))
}

// cancel ends the call with err, tells the other end that nobody waits for the answer any more, and returns err.
func (s *clientStream) cancel(e event, err error) error {
	running := s.stop(e, err)
	s.core.receiver.release(s.in.drop(err))
	s.core.receiver.release(s.headers.drop())
	s.core.out.StopSender(&s.out)
	if running && s.calls.remove(s.id) != nil {
		s.core.out.Control(frame.TypeCancel, cancelFlags(e), s.id)
	}
	return err
}

func cancelFlags(e event) uint8 {
	if e == timedOut {
		return frame.FlagDeadline
	}
	return 0
}

// stop ends the life of a call by an event of this end, and reports whether the other end knows of it and has not answered.
// A call that has not been opened never will be.
func (s *clientStream) stop(e event, err error) bool {
	s.opening.Lock()
	defer s.opening.Unlock()
	from, moved := s.life.on(e)
	if moved && from == idle {
		s.refused = err
	}
	if s.unwatch != nil {
		s.unwatch()
	}
	return moved && from != idle
}

// abort ends both halves with err because the link does; a pending Receive gets it.
func (s *clientStream) abort(err error) {
	s.life.on(linkLost)
	s.in.fail(err)
	s.core.out.StopSender(&s.out)
}

func (s *clientStream) Close() error {
	if s.life.state() == closed {
		return nil
	}
	_ = s.cancel(gaveUp, connect.NewError(connect.CodeCanceled, "the stream was closed"))
	return nil
}

func (s *clientStream) endWatch() {
	if s.name.Kind == connect.StreamTypeUnary {
		return
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.unwatch != nil {
		s.unwatch()
	}
}
