package link

import (
	"io"

	"connectrpc.com/connect/v2"
)

// Receive reads the next response message. Headers are in the CallInfo when it first returns, trailers when it returns
// the end. A unary call returns its message only when it has the verdict too.
func (s *clientStream) Receive(msg any) error {
	if s.finished.Load() {
		return io.EOF
	}
	if err := s.SendHeaders(); err != nil {
		return err
	}
	single := s.spec.StreamType&connect.StreamTypeServer == 0
	if single && s.answered {
		return s.finishWith(io.EOF)
	}
	if err := s.receiveMessage(msg); err != nil || !single {
		return err
	}
	s.answered = true
	return s.expectEnd()
}

// expectEnd waits for the verdict behind the only message.
func (s *clientStream) expectEnd() error {
	buf, err := s.next()
	switch {
	case err != nil:
		return err
	case buf != nil:
		buf.release()
		return s.finishWith(s.cancel(0, connect.NewError(connect.CodeUnimplemented, "unary response has multiple messages")))
	}
	if err := s.verdict(); err != io.EOF {
		return err
	}
	return nil
}

func (s *clientStream) receiveMessage(msg any) error {
	buf, err := s.next()
	if err != nil {
		return err
	}
	if buf == nil {
		return s.noMessage(s.verdict())
	}
	return s.decode(buf, msg)
}

// noMessage is what the end of the call means to a Receive that waited for a message.
func (s *clientStream) noMessage(verdict error) error {
	if verdict == io.EOF && s.spec.StreamType&connect.StreamTypeServer == 0 {
		return connect.NewError(connect.CodeUnimplemented, "unary response has no message")
	}
	return verdict
}

// next waits for the next message; nil at the end. Headers that came before it are in the CallInfo afterwards.
func (s *clientStream) next() (*buffer, error) {
	buf, err := s.link.receive(s.ctx, &s.in, s.id)
	if err != nil {
		return nil, s.finishWith(s.giveUp(err))
	}
	s.in.mu.Lock()
	head := s.head
	s.head = nil
	s.in.mu.Unlock()
	if head != nil {
		err = s.readHeaders(head)
	}
	return buf, err
}

func (s *clientStream) readHeaders(head *buffer) error {
	defer head.release()
	p := payload{b: head.b}
	s.metadata(&p, (*connect.CallInfo).ResponseHeader)
	return s.broken(p.err)
}

func (s *clientStream) metadata(p *payload, part func(*connect.CallInfo) *connect.Header) {
	if s.info == nil {
		p.bytes(maxMetadata)
		return
	}
	readMetadata(p, part(s.info))
}

// broken ends the link for a frame that its reader took for good.
func (s *clientStream) broken(err error) error {
	if err == nil {
		return nil
	}
	s.link.fail(err)
	return s.finishWith(s.link.unavailable(true, err))
}

// decode moves a message into msg.
func (s *clientStream) decode(buf *buffer, msg any) error {
	size := len(buf.b)
	if s.info != nil {
		s.info.ReceiveStats = connect.MessageStats{Size: size}
	}
	if err := decodeInto(s.codec, buf, msg); err != nil {
		return s.finishWith(s.cancel(0, connect.Errorf(connect.CodeInvalidArgument, "unmarshal message: %v", err)))
	}
	return nil
}

// verdict reads how the call ended: io.EOF if well.
func (s *clientStream) verdict() error {
	s.in.mu.Lock()
	end, flags, err := s.end, s.endFlags, s.in.err
	s.end = nil
	s.in.mu.Unlock()
	if end == nil {
		if err == nil {
			err = io.EOF
		}
		return s.finishWith(err)
	}
	defer end.release()
	p := payload{b: end.b}
	var failure error = io.EOF
	if flags&flagError != 0 {
		failure = readError(&p)
	}
	if flags&flagMetadata != 0 {
		s.metadata(&p, (*connect.CallInfo).ResponseHeader)
		s.metadata(&p, (*connect.CallInfo).ResponseTrailer)
	}
	if p.err != nil {
		return s.broken(p.err)
	}
	return s.finishWith(failure)
}

func (s *clientStream) finishWith(err error) error {
	s.finished.Store(true)
	s.endWatch()
	return err
}

func decodeInto(c codec, buf *buffer, msg any) error {
	if raw, ok := msg.(*Raw); ok {
		raw.Data = buf.take()
		return nil
	}
	defer buf.release()
	if c == nil {
		return errRawOnly
	}
	return c.decode(buf.b, msg)
}
