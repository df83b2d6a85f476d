package link

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/workers"
)

// server is the serving end of a link: it admits the calls of the other end, takes what comes for them and runs their
// handlers.
type server struct {
	core     *core
	table    servedTable
	handlers *workers.Pool[serverCall]
	handler  Handler
	log      *slog.Logger
}

func newServer(c *core, handler Handler, log *slog.Logger, maxCalls int) *server {
	s := &server{core: c, handler: handler, log: log}
	s.table.init(maxCalls)
	s.handlers = workers.New(s.serve)
	return s
}

// acceptOpen starts a call of the other end.
func (s *server) acceptOpen(h frame.Header, body []byte, names *frame.ReceivedNames[target]) error {
	p := frame.Payload{B: body}
	o := opening{id: h.Call, whole: h.Has(frame.FlagHalfClose)}
	if err := s.readName(&o, &p, names); err != nil {
		return err
	}
	timeout := p.Uvarint()
	if h.Has(frame.FlagMetadata) {
		block := p.B
		p.Bytes(frame.MaxMetadata)
		o.metadata = buffer.CopyOf(block[:len(block)-len(p.B)])
	}
	switch {
	case p.Err != nil:
		return p.Err
	case s.core.own(h.Call) || h.Call == 0:
		return frame.Malformed(fmt.Sprintf("call %d is not the other end's to open", h.Call))
	case h.Has(frame.FlagMore) || h.Has(frame.FlagFirst):
		return frame.Malformed("OPEN with a part of a message")
	}
	o.deadline, o.spent = deadlineOf(timeout), timeout == 1
	return s.admit(o, h, p.B)
}

// readName finds the target of a call. What it costs to remember a name is counted for the link, or for this call alone. The
// names of a stranger have to fit into what its link may hold: they cannot be refused, since it has numbered them.
func (s *server) readName(o *opening, p *frame.Payload, names *frame.ReceivedNames[target]) error {
	t, how := names.Read(p)
	o.target = t
	switch how {
	case frame.NameKnown:
	case frame.NameKept:
		if !s.core.receiver.account.TakeAny(t.cost()) && s.core.stranger.Load() {
			return errHolds
		}
	case frame.NameOnce:
		o.once = t.cost()
	}
	return nil
}

func (s *server) admit(o opening, h frame.Header, message []byte) error {
	c, admission := s.table.add(s.core, o)
	switch admission {
	case reused:
		return frame.Malformed(fmt.Sprintf("call %d was opened before", h.Call))
	case ignored:
		return nil
	case overCap:
		s.core.sendEnd(o.id, s.table.full())
		return nil
	case admitted:
	}
	err := s.begin(c, o, h, message)
	s.handlers.Run(c)
	return err
}

// begin gives c what came with the OPEN, or refuses it.
func (s *server) begin(c *serverCall, o opening, h frame.Header, message []byte) error {
	if o.spent {
		c.expire()
		return nil
	}
	c.extra = callCost + o.once
	if c.metadata != nil {
		c.extra += cap(c.metadata.B)
	}
	if !s.core.receiver.account.Take(c.extra) {
		c.refuse(s.core.receiver.holdsTooMuch())
		return nil
	}
	if h.Has(frame.FlagMessage) {
		return c.fill(part{data: message, last: o.whole})
	}
	if o.whole {
		return s.core.receiver.close(&c.call, ending{})
	}
	return nil
}

// find returns the call of the other end with this id; nil if its handler has returned.
func (s *server) find(id uint64) (*serverCall, error) {
	c, known := s.table.get(id)
	if c == nil && (!known || id == 0) {
		return nil, neverOpened(id)
	}
	return c, nil
}

func (s *server) acceptMessage(h frame.Header, piece part) error {
	c, err := s.find(h.Call)
	switch {
	case c == nil:
		return err
	case c.life.state() == halfClosed:
		return frame.Malformed("message after the end of the request")
	case piece.last:
		c.life.on(sentLast)
	}
	if h.Has(frame.FlagMessage) {
		return c.fill(piece)
	}
	if !piece.last {
		return frame.Malformed("MESSAGE without a message or a half-close")
	}
	return s.core.receiver.close(&c.call, ending{})
}

func (s *server) acceptCancel(h frame.Header) error {
	c, err := s.find(h.Call)
	if c == nil {
		return err
	}
	e, reason := gaveUp, context.Canceled
	if h.Has(frame.FlagDeadline) {
		e, reason = timedOut, context.DeadlineExceeded
	}
	c.abort(e, reason)
	return nil
}

// serve runs the handler of c and answers the call. A call that is over before it could begin gets no handler.
func (s *server) serve(c *serverCall) {
	alone := false
	defer func() { s.table.returned(c, alone) }()
	defer c.stream.cancel(context.Canceled)
	defer c.releaseHeld()
	if c.stream.Err() != nil {
		return
	}
	err := c.readMetadata()
	if err == nil {
		err = s.handle(c)
	}
	alone = c.finish(err)
}

// handle calls the handler and turns a panic into an internal error. The text of the panic stays here.
func (s *server) handle(c *serverCall) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		s.log.Error("handler panicked", "procedure", c.target.Procedure, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		err = connect.NewError(connect.CodeInternal, "the handler panicked; its collector has logged the details")
		if v == nil {
			c.finish(err) // runtime.Goexit: nobody above gets to do it
		}
	}()
	stream := c.stream
	stream.info.Spec, stream.info.Codec, stream.info.Protocol = c.target.spec, c.target.Codec, protocolName
	stream.info.PeerAddr, stream.info.TransportInfo = s.core.peer.CollectorID, c.target.info
	err = s.handler(stream, c.target.Procedure, &stream.info, stream)
	returned = true
	return err
}

// close ends the contexts of all handlers because the link is over, and lets go of the goroutines that serve.
func (s *server) close() {
	s.table.close()
	s.handlers.Stop()
}
