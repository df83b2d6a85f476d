package link

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// Call addresses a call.
type Call struct {
	// Namespace is handed to the other end as it is.
	Namespace string
	// Spec names the procedure and says which kind of stream it is.
	Spec connect.Spec
	// Codec is how messages are encoded. Empty means "proto". Codecs other than "proto" and "json" carry [Raw] only.
	Codec string
}

// Transport returns a [connect.Transport] whose calls go over the link, in namespace, as binary protobuf.
func (l *Link) Transport(namespace string) connect.Transport { return transport{l, namespace} }

type transport struct {
	link      *Link
	namespace string
}

func (t transport) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	return t.link.Open(ctx, Call{Namespace: t.namespace, Spec: spec})
}

// Open opens a call. Request headers are taken from the client [connect.CallInfo] of ctx when the first message is
// sent; response headers and trailers are put there. The deadline of ctx crosses as remaining time. Nothing is sent
// before the first SendHeaders, Send or CloseSend; a unary request leaves as one frame.
func (l *Link) Open(ctx context.Context, call Call) (connect.ClientStream, error) {
	if err := l.Err(); err != nil {
		return nil, l.unavailable(false, err)
	}
	if call.Codec == "" {
		call.Codec = connect.CodecNameProto
	}
	name := frame.Name{
		Namespace: call.Namespace, Procedure: call.Spec.Procedure, Codec: call.Codec,
		Kind: call.Spec.StreamType, Idempotency: call.Spec.IdempotencyLevel,
	}
	if name.Size() > frame.MaxName {
		return nil, connect.Errorf(connect.CodeInvalidArgument, "namespace and procedure are longer than %d bytes", frame.MaxName)
	}
	s := clientStreams.Get().(*clientStream) //nolint:forcetypeassert // the pool holds nothing else
	s.in.pool = &l.extra
	s.callerState = callerState{link: l, ctx: ctx, spec: call.Spec, name: name, codec: codecByName(call.Codec)}
	if info, ok := connect.CallInfoForClientContext(ctx); ok {
		s.info = info
		info.Spec, info.Protocol, info.Codec = call.Spec, protocolName, call.Codec
		info.PeerAddr = l.peer.CollectorID
	}
	return s, nil
}

// protocolName is CallInfo.Protocol on both ends.
const protocolName = "link"

var clientStreams = sync.Pool{New: func() any { return new(clientStream) }}

// clientStream is the calling end of a call.
type clientStream struct {
	call

	opening sync.Mutex             // Send and Receive may both be the first
	headers atomic.Uint32          // a headersState; only the reader changes it
	head    atomic.Pointer[buffer] // HEADERS, as it came
	callerState
}

// headersState is what has come of the response headers. It does not move the life of the call: either half goes on.
type headersState = uint32

const (
	headersAwaited headersState = iota
	headersCame                 // they belong to the first message
	headersFlushed              // the handler sent them off by themselves
)

// callerState is what a clientStream forgets when it is used again.
type callerState struct {
	link  *Link
	ctx   context.Context //nolint:containedctx // the stream lives as long as the call
	info  *connect.CallInfo
	spec  connect.Spec
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
	e, err := s.link.encode(s.codec, msg)
	if err != nil {
		return s.cancel(overLimit, err)
	}
	defer func() { e.release() }()
	if s.info != nil {
		s.info.SendStats = connect.MessageStats{Size: e.size}
	}
	flags := frame.FlagMessage
	if s.spec.StreamType&connect.StreamTypeClient == 0 {
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
	return s.sendError(s.link.sendMessage(s.ctx, &s.call, flags, s.codec, &e))
}

func (s *clientStream) CloseSend() error {
	carried, err := s.ensureOpen(frame.FlagHalfClose, encoded{})
	if carried || err != nil {
		return err
	}
	if _, moved := s.life.on(sentLast); moved {
		s.link.out.control(frame.TypeMessage, frame.FlagHalfClose, s.id)
	}
	return nil
}

// sendError gives a failed Send its public form. The verdict of an ended call is Receive's to tell.
func (s *clientStream) sendError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, errLinkOver):
		return s.sendEnded()
	case s.ctx.Err() != nil && errors.Is(err, s.ctx.Err()):
		return s.giveUp(err)
	}
	return s.cancel(overLimit, err)
}

// sendEnded is what Send returns when the call has ended on the other side. Callers that send one message do not look
// for io.EOF: they hear the verdict from Receive.
func (s *clientStream) sendEnded() error {
	if s.spec.StreamType&connect.StreamTypeClient == 0 {
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
	if s.spec.StreamType != connect.StreamTypeUnary && s.ctx.Done() != nil {
		s.unwatch = context.AfterFunc(s.ctx, func() { _ = s.giveUp(s.ctx.Err()) })
	}
	return true, nil
}

// open writes the OPEN before it takes the outbox, so that callers do not wait for each other's encoding. Only a name that
// is new has to be numbered in the order in which the frames leave.
func (s *clientStream) open(flags uint8, e encoded) error {
	if err := s.ctx.Err(); err != nil {
		return callerGaveUp(err)
	}
	o := s.link.out
	ref := o.names.Ref(s.name)
	f := newBuffer(e.size + openRoom)
	defer func() { f.release() }()
	if ref != 0 {
		if err := s.writeOpen(f, flags, e, ref); err != nil {
			return err
		}
	}
	if err := o.lockRoom(s.ctx, s.link.over); err != nil {
		return s.openError(err)
	}
	defer o.unlock()
	if ref == 0 {
		if err := s.writeOpen(f, flags, e, 0); err != nil {
			return err
		}
	}
	s.batch, s.out.credit = o.number, s.link.window
	if flags&frame.FlagMessage != 0 {
		s.out.credit -= frame.MessageCost + e.size
	}
	if err := s.link.calls.add(s); err != nil {
		return s.link.unavailable(false, err)
	}
	if _, moved := s.life.on(openingEvent(flags&frame.FlagHalfClose != 0)); !moved {
		return s.link.unavailable(false, errGoaway) // in this moment
	}
	frame.SetCall(f.b, s.id)
	o.buf = append(o.buf, f.b...)
	if ref == 0 {
		o.names.Define(s.name)
	}
	return nil
}

// openRoom is what an OPEN needs besides its message, as a guess.
const openRoom = 256

func (s *clientStream) openError(err error) error {
	if errors.Is(err, errLinkOver) {
		return s.link.unavailable(false, s.link.Err())
	}
	return callerGaveUp(err)
}

// writeOpen writes the OPEN without its call id. A ref of 0 brings the name in full; the outbox is locked then.
func (s *clientStream) writeOpen(f *buffer, flags uint8, e encoded, ref uint64) (err error) {
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
	b := frame.Begin(f.b, frame.TypeOpen, flags, 0)
	b = s.link.out.names.Append(b, ref, s.name)
	b = binary.AppendUvarint(b, s.timeout())
	if metadata > 0 {
		b = frame.AppendMeasured(b, s.info.RequestHeader(), metadata)
	}
	if flags&frame.FlagMessage != 0 {
		if b, err = e.appendTo(b, s.codec); err != nil {
			return connect.Errorf(connect.CodeInternal, "marshal message: %v", err)
		}
	}
	f.b = frame.End(b, 0)
	return nil
}

// timeout is the remaining time in microseconds, plus one; 0 is none.
func (s *clientStream) timeout() uint64 {
	deadline, ok := s.ctx.Deadline()
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
	s.link.settle(s.id, 0, -s.in.abandon(err))
	s.link.out.closeHalf(&s.out)
	if running && s.link.calls.remove(s.id) {
		s.link.out.control(frame.TypeCancel, cancelFlags(e), s.id)
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
	s.link.out.closeHalf(&s.out)
}

func (s *clientStream) Close() error {
	if s.life.state() == closed {
		return nil
	}
	_ = s.cancel(gaveUp, connect.NewError(connect.CodeCanceled, "the stream was closed"))
	return nil
}

func (s *clientStream) endWatch() {
	if s.spec.StreamType == connect.StreamTypeUnary {
		return
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.unwatch != nil {
		s.unwatch()
	}
}

// refuse ends the call because its response exceeds a limit.
func (s *clientStream) refuse(_ *Link, err *connect.Error) { _ = s.cancel(overLimit, err) }
