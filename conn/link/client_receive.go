package link

import (
	"io"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/internal/reuse"
)

// Receive reads the next response message. Headers are in the CallInfo when it first returns, trailers when it returns
// the end. A unary call returns its message only when it has the verdict too. Once it has returned the end or an error,
// it returns that again.
func (s *clientStream) Receive(msg any) error {
	if s.life.state() == closed {
		return s.result
	}
	if err := s.SendHeaders(); err != nil {
		return err
	}
	if err := s.receiveMessage(msg); err != nil || !oneResponse(s.name.Kind) {
		return err
	}
	return s.expectEnd()
}

// HeaderReceiver is what the [connect.ClientStream] of a link can do besides.
type HeaderReceiver interface {
	// ReceiveHeaders waits until the answer begins and reports whether the handler has sent the response headers off by
	// themselves; then they are in the CallInfo. It takes no message, and counts as a Receive, so the two are not called
	// at once. How a call fails is Receive's to tell.
	ReceiveHeaders() bool
}

func (s *clientStream) ReceiveHeaders() bool {
	if s.life.state() == closed || oneResponse(s.name.Kind) || s.SendHeaders() != nil {
		return false
	}
	for {
		wake := s.in.peek()
		if s.headers.flushed() {
			return s.readFlushed()
		}
		if wake == nil {
			return false
		}
		select {
		case <-wake:
		case <-s.ctx.Done():
			s.in.stopWait()
			return false
		}
	}
}

// readFlushed reads headers that the handler sent off, once.
func (s *clientStream) readFlushed() bool {
	s.in.stopWait()
	head := s.headers.pop()
	return head != nil && s.readHeaders(head) == nil
}

// expectEnd waits for the verdict behind the only message.
func (s *clientStream) expectEnd() error {
	m, err := s.next()
	if err == nil {
		m.release()
		return s.finishWith(s.cancel(overLimit, connect.NewError(connect.CodeUnimplemented, "unary response has multiple messages")))
	}
	if err == io.EOF {
		return nil
	}
	return err
}

func (s *clientStream) receiveMessage(msg any) error {
	m, err := s.next()
	if err == nil {
		return s.decode(m, msg)
	}
	if err == io.EOF && oneResponse(s.name.Kind) {
		return s.finishWith(connect.NewError(connect.CodeUnimplemented, "unary response has no message"))
	}
	return err
}

// next waits for the next message. Headers that came before it are in the CallInfo afterwards. An error is the end of
// the call: io.EOF if it went well.
func (s *clientStream) next() (message, error) {
	m, err := s.core.receiver.receive(s.ctx, &s.call)
	if err != nil && err != io.EOF {
		return m, s.finishWith(s.giveUp(err))
	}
	if head := s.headers.pop(); head != nil {
		if broken := s.readHeaders(head); broken != nil {
			return m, broken
		}
	}
	if err == io.EOF {
		return m, s.verdict()
	}
	return m, nil
}

func (s *clientStream) readHeaders(head *buffer.Buffer) error {
	s.core.receiver.release(cap(head.B))
	defer head.Release()
	p := frame.Payload{B: head.B}
	readMetadata(s.info, &p, (*connect.CallInfo).ResponseHeader)
	return s.broken(p.Err)
}

// readMetadata moves a block into a part of info, or skips it if nobody wants to know.
func readMetadata(info *connect.CallInfo, p *frame.Payload, part func(*connect.CallInfo) *connect.Header) {
	if info == nil {
		p.Bytes(frame.MaxMetadata)
		return
	}
	_, _ = frame.ReadMetadata(p, part(info)) // p has the error
}

// broken ends the link for a frame that its reader took for good.
func (s *clientStream) broken(err error) error {
	if err == nil {
		return nil
	}
	s.core.end.fail(err)
	return s.finishWith(s.core.unavailable(true, err))
}

// decode moves a message into msg.
func (s *clientStream) decode(m message, msg any) error {
	if s.info != nil {
		s.info.ReceiveStats = connect.MessageStats{Size: len(m.data)}
	}
	if err := m.decode(s.codec, msg); err != nil {
		return s.finishWith(s.cancel(overLimit, connect.Errorf(connect.CodeInvalidArgument, "unmarshal message: %v", err)))
	}
	return nil
}

// verdict reads how the call ended: io.EOF if well. A reason of this end counts more than an END that came too.
func (s *clientStream) verdict() error {
	if s.in.life.state() == handedOver {
		return s.readVerdict()
	}
	held, err := s.in.failure()
	s.core.receiver.release(held)
	if err != nil {
		return s.finishWith(err)
	}
	return s.readVerdict()
}

// readVerdict reads the END, which nothing has overtaken.
func (s *clientStream) readVerdict() error {
	end := s.in.verdict
	if end.fields == nil {
		return s.readEnd(frame.Payload{}, end.flags)
	}
	defer end.fields.Release()
	return s.readEnd(frame.Payload{B: end.fields.B}, end.flags)
}

func (s *clientStream) readEnd(p frame.Payload, flags uint8) error {
	var failure error = io.EOF
	if flags&frame.FlagError != 0 {
		failure = frame.ReadError(&p)
	}
	if flags&frame.FlagMetadata != 0 {
		readMetadata(s.info, &p, (*connect.CallInfo).ResponseHeader)
		readMetadata(s.info, &p, (*connect.CallInfo).ResponseTrailer)
	}
	if p.Err != nil {
		return s.broken(p.Err)
	}
	return s.finishWith(failure)
}

// finishWith ends the call for Receive, which returns err from then on.
func (s *clientStream) finishWith(err error) error {
	s.result = err
	s.life.on(returned)
	s.endWatch()
	return err
}

// Reuse lets another call use the memory of this one. It is [reuse.Stream]. Calls that did not end by the other end's
// verdict are left to the garbage collector.
func (s *clientStream) Reuse(reuse.Vouched) {
	if s.reusable() {
		s.reset()
		clientStreams.Put(s)
	}
}

// reusable reports whether nothing but the END of the other end has ended the call, and no goroutine may still look at it:
// nobody watches the context of a unary call, and the outbox does not know one whose request left with the OPEN.
func (s *clientStream) reusable() bool {
	return s.life.state() == closed && s.in.life.state() != failed && s.name.Kind == connect.StreamTypeUnary && !s.parted && !s.in.promise.Waited()
}

// reset forgets a call. Mutexes stay as they are: whoever unlocked one last may still be on his way out.
func (s *clientStream) reset() {
	s.call.reset()
	s.headers.reset()
	s.callerState = callerState{}
}
