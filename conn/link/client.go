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
	s := &clientStream{link: l, ctx: ctx, spec: call.Spec, codec: codecByName(call.Codec)}
	s.name = callName{call.Namespace, call.Spec.Procedure, call.Codec, call.Spec.StreamType, call.Spec.IdempotencyLevel}
	if s.name.size() > maxName {
		return nil, connect.Errorf(connect.CodeInvalidArgument, "namespace and procedure are longer than %d bytes", maxName)
	}
	if info, ok := connect.CallInfoForClientContext(ctx); ok {
		s.info = info
		info.Spec, info.Protocol, info.Codec = call.Spec, protocolName, call.Codec
		info.PeerAddr = l.peer.CollectorID
	}
	return s, nil
}

// protocolName is CallInfo.Protocol on both ends.
const protocolName = "link"

// clientStream is the calling end of a call.
type clientStream struct {
	link  *Link
	ctx   context.Context //nolint:containedctx // the stream lives as long as the call
	info  *connect.CallInfo
	spec  connect.Spec
	name  callName
	codec codec
	id    uint64
	batch uint64 // the batch that the OPEN is in
	out   outbound
	in    inbound

	opening sync.Mutex // Send and Receive may both be the first
	opened  bool
	refused error       // why it will never be opened
	unwatch func() bool // ends the watch on ctx

	sendClosed bool        // the sender's
	finished   atomic.Bool // Receive has told the end
	result     error       // which was this

	headed   bool                   // HEADERS came; the reader's
	head     atomic.Pointer[buffer] // HEADERS, as it came
	flushed  atomic.Bool            // HEADERS came because the handler sent them off
	end      *buffer                // END without its message, as it came; guarded by in.mu
	endFlags uint8
}

func (s *clientStream) SendHeaders() error {
	_, err := s.ensureOpen(0, encoded{})
	return err
}

func (s *clientStream) Send(msg any) error {
	if s.sendClosed {
		return io.EOF
	}
	e, err := s.link.encode(s.codec, msg)
	if err != nil {
		return s.cancel(0, err)
	}
	defer e.release()
	if s.info != nil {
		s.info.SendStats = connect.MessageStats{Size: e.size}
	}
	flags := flagMessage
	if s.spec.StreamType&connect.StreamTypeClient == 0 {
		flags |= flagHalfClose
		s.sendClosed = true
	}
	if e.size > partSize {
		err = s.SendHeaders()
	} else if carried, openErr := s.ensureOpen(flags, e); carried || openErr != nil {
		return openErr
	}
	if err != nil {
		return err
	}
	return s.sendError(s.link.sendMessage(s.ctx, &s.out, s.id, flags, s.codec, e))
}

func (s *clientStream) CloseSend() error {
	if s.sendClosed {
		return nil
	}
	s.sendClosed = true
	carried, err := s.ensureOpen(flagHalfClose, encoded{})
	if carried || err != nil {
		return err
	}
	if !s.out.closed.Load() {
		s.link.out.control(frameMessage, flagHalfClose, s.id)
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
	return s.cancel(0, err)
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
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.opened || s.refused != nil {
		return false, s.refused
	}
	if err := s.open(flags, e); err != nil {
		s.refused = err
		return false, err
	}
	s.opened = true
	if s.spec.StreamType != connect.StreamTypeUnary && s.ctx.Done() != nil {
		s.unwatch = context.AfterFunc(s.ctx, func() { _ = s.giveUp(s.ctx.Err()) })
	}
	return true, nil
}

func (s *clientStream) open(flags uint8, e encoded) error {
	if err := s.ctx.Err(); err != nil {
		return callerGaveUp(err)
	}
	if s.info != nil && !metadataFits(s.info.RequestHeader()) {
		return connect.Errorf(connect.CodeResourceExhausted, "request headers exceed %d bytes or %d values", maxMetadata, maxValues)
	}
	if err := s.link.out.lockRoom(s.ctx, s.link.over); err != nil {
		return s.openError(err)
	}
	defer s.link.out.unlock()
	s.batch, s.out.credit = s.link.out.batch, s.link.window
	if flags&flagMessage != 0 {
		s.out.credit -= messageCost + e.size
	}
	if err := s.link.calls.add(s); err != nil {
		return s.link.unavailable(false, err)
	}
	return s.appendOpen(flags, e)
}

func (s *clientStream) openError(err error) error {
	if errors.Is(err, errLinkOver) {
		return s.link.unavailable(false, s.link.Err())
	}
	return callerGaveUp(err)
}

func (s *clientStream) appendOpen(flags uint8, e encoded) error {
	o := s.link.out
	if s.info != nil && s.info.RequestHeader().Len() > 0 {
		flags |= flagMetadata
	}
	start := len(o.buf)
	b := beginFrame(o.buf, frameOpen, flags, s.id)
	b = o.names.appendRef(b, s.name)
	b = binary.AppendUvarint(b, s.timeout())
	fields := b
	if flags&flagMetadata != 0 {
		b = appendMetadata(b, s.info.RequestHeader())
	}
	if flags&flagMessage != 0 {
		var err error
		if b, err = e.appendTo(b, s.codec); err != nil {
			s.retract(fields, start)
			return connect.Errorf(connect.CodeInternal, "marshal message: %v", err)
		}
	}
	o.buf = endFrame(b, start)
	return nil
}

// retract makes a call of which only the fields could be written one that is canceled at once. The frame itself has to
// stay: it may have defined a name.
func (s *clientStream) retract(fields []byte, start int) {
	o := s.link.out
	beginFrame(fields[:start], frameOpen, 0, s.id)
	o.buf = endFrame(fields, start)
	cancel := len(o.buf)
	o.buf = endFrame(beginFrame(o.buf, frameCancel, 0, s.id), cancel)
	s.link.calls.remove(s.id)
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
	flags := uint8(0)
	if errors.Is(err, context.DeadlineExceeded) {
		flags = flagDeadline
	}
	return s.cancel(flags, callerGaveUp(err))
}

// cancel ends the call with err, tells the other end that nobody waits for the answer any more, and returns err.
func (s *clientStream) cancel(flags uint8, err error) error {
	opened := s.stop(err)
	s.link.settle(s.id, 0, -s.in.abandon(err))
	s.link.out.closeHalf(&s.out)
	if opened && s.link.calls.remove(s.id) {
		s.link.out.control(frameCancel, flags, s.id)
	}
	return err
}

// stop makes sure that a call which has not been opened never will be, and reports whether it has been.
func (s *clientStream) stop(err error) bool {
	s.opening.Lock()
	defer s.opening.Unlock()
	if !s.opened && s.refused == nil {
		s.refused = err
	}
	if s.unwatch != nil {
		s.unwatch()
	}
	return s.opened
}

// abort ends both halves with err; a pending Receive gets it.
func (s *clientStream) abort(err error) {
	s.in.close(err)
	s.link.out.closeHalf(&s.out)
}

func (s *clientStream) Close() error {
	if s.finished.Load() {
		return nil
	}
	_ = s.cancel(0, connect.NewError(connect.CodeCanceled, "the stream was closed"))
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

// ended keeps the fields of the END for Receive, which hears of it when the half is closed.
func (s *clientStream) ended(flags uint8, fields []byte) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.endFlags = flags
	if len(fields) > 0 {
		s.end = copyOf(fields)
	}
}

// refuse ends the call because its response exceeds a limit.
func (s *clientStream) refuse(_ *Link, err *connect.Error) { _ = s.cancel(0, err) }
