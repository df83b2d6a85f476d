package link

import (
	"context"
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
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
	// Caller says for whom the call is made, in words that this package does not read, at most 4 KiB. The other end gets them as
	// [ServerInfo.Caller]. They cross once and cost a call nothing more; if there are very many, they cross with each call.
	Caller string
}

// transport is what Link.Transport returns.
type transport struct {
	caller    *caller
	namespace string
}

func (t transport) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	return t.caller.open(ctx, Call{Namespace: t.namespace, Spec: spec})
}

// caller is the calling end of a link: it opens calls and takes what comes for them.
type caller struct {
	core  *core
	calls callTable[clientStream]
}

func newCaller(c *core) *caller {
	caller := &caller{core: c}
	caller.calls.init(c.initiator)
	return caller
}

// open prepares a call, of which nothing has been sent yet.
func (c *caller) open(ctx context.Context, call Call) (connect.ClientStream, error) {
	if err := c.core.end.err(); err != nil {
		return nil, c.core.unavailable(false, err)
	}
	if call.Codec == "" {
		call.Codec = connect.CodecNameProto
	}
	name := frame.Name{
		Namespace: call.Namespace, Procedure: call.Spec.Procedure, Codec: call.Codec,
		Kind: call.Spec.StreamType, Idempotency: call.Spec.IdempotencyLevel, Caller: call.Caller,
	}
	if err := checkName(&name); err != nil {
		return nil, err
	}
	s := clientStreams.Get().(*clientStream) //nolint:forcetypeassert // the pool holds nothing else
	c.core.receiver.begin(&s.call)
	s.callerState = callerState{core: c.core, calls: &c.calls, ctx: ctx, name: name, codec: codecByName(call.Codec)}
	if info, ok := connect.CallInfoForClientContext(ctx); ok {
		s.info = info
		info.Spec, info.Protocol, info.Codec = call.Spec, protocolName, call.Codec
		info.PeerAddr = c.core.peer.CollectorID
	}
	return s, nil
}

func checkName(n *frame.Name) error {
	switch {
	case n.Size() > frame.MaxName:
		return connect.Errorf(connect.CodeInvalidArgument, "namespace and procedure are longer than %d bytes", frame.MaxName)
	case len(n.Caller) > frame.MaxCaller:
		return connect.Errorf(connect.CodeInvalidArgument,
			"what says who the caller is has %d bytes, a link takes %d: a caller in fewer groups, or with a shorter name, passes", len(n.Caller), frame.MaxCaller)
	}
	return nil
}

// find returns the call with this id of ours; nil if it has ended.
func (c *caller) find(id uint64) (*clientStream, error) {
	if s := c.calls.get(id); s != nil {
		return s, nil
	}
	return nil, c.unknown(id)
}

// unknown judges a frame of a call that does not run.
func (c *caller) unknown(id uint64) error {
	if id != 0 && c.calls.used(id) {
		return nil // late frame of a call that has ended
	}
	return neverOpened(id)
}

func (c *caller) acceptMessage(h frame.Header, piece part) error {
	s, err := c.find(h.Call)
	switch {
	case s == nil:
		return err
	case !h.Has(frame.FlagMessage) || piece.last:
		return frame.Malformed("MESSAGE without a message, or with a half-close, from a server")
	}
	return c.fill(s, piece)
}

// fill gives a part to s, or ends s because its response exceeds a limit.
func (c *caller) fill(s *clientStream, piece part) error {
	refusal, err := c.core.receiver.fill(&s.call, piece)
	if refusal != nil {
		_ = s.cancel(overLimit, refusal)
	}
	return err
}

func (c *caller) acceptHeaders(h frame.Header, body []byte) error {
	s, err := c.find(h.Call)
	if s == nil {
		return err
	}
	state := headersCame
	if h.Has(frame.FlagFlush) {
		state = headersFlushed
	}
	if !c.core.receiver.account.Room(len(body)) {
		_ = s.cancel(overLimit, c.core.receiver.holdsTooMuch())
		return nil
	}
	held, ok := s.headers.arrive(body, state)
	c.core.receiver.account.Take(held)
	switch {
	case !ok:
		return frame.Malformed("HEADERS twice")
	case s.life.state().over():
		c.core.receiver.release(s.headers.drop()) // in this moment
	case state == headersFlushed:
		s.in.notify()
	}
	return nil
}

func (c *caller) acceptEnd(h frame.Header, body []byte) error {
	s := c.calls.remove(h.Call)
	if s == nil {
		return c.unknown(h.Call)
	}
	err := c.end(s, h, body)
	if err != nil {
		s.abort(c.core.unavailable(true, err))
	}
	return err
}

// end gives s its verdict, and the message that comes with it if any. From then on s is its caller's alone, who may use
// it for another call.
func (c *caller) end(s *clientStream, h frame.Header, body []byte) error {
	message, fields, err := splitEnd(h, body)
	if err != nil {
		return err
	}
	if _, moved := s.life.on(sentEnd); !moved {
		return nil // the caller has given up in this moment
	}
	end := ending{flags: h.Flags}
	if len(fields) > 0 {
		end.fields = buffer.CopyOf(fields)
	}
	c.core.out.StopSender(&s.out)
	if h.Has(frame.FlagMessage) {
		return c.fill(s, part{data: message, last: true, end: end})
	}
	return c.core.receiver.close(&s.call, end)
}

// splitEnd separates the message of an END from the fields before it.
func splitEnd(h frame.Header, body []byte) (message, fields []byte, err error) {
	if !h.Has(frame.FlagMessage) {
		return nil, body, nil
	}
	if h.Has(frame.FlagError) {
		return nil, nil, frame.Malformed("END with an error and a message")
	}
	p := frame.Payload{B: body}
	if h.Has(frame.FlagMetadata) {
		p.Bytes(frame.MaxMetadata)
		p.Bytes(frame.MaxMetadata)
	}
	return p.B, body[:len(body)-len(p.B)], p.Err
}

// acceptGoaway ends the calls that the other end has not accepted. Who has nothing left to do there hangs up.
func (c *caller) acceptGoaway(h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	last := p.Uvarint()
	reason := p.Text(frame.MaxName)
	switch {
	case p.Err != nil:
		return p.Err
	case h.Has(frame.FlagHalfClose):
		return ErrDrained
	}
	refused := c.core.unavailable(false, errors.New("the other end is "+reason))
	for _, s := range c.calls.goAway(last) {
		s.abort(refused)
	}
	return nil
}

// close fails the calls that run because the link is over. Those that were opened in the batch unsent or later have not
// left.
func (c *caller) close(unsent uint64, reason error) {
	for _, s := range c.calls.close(reason) {
		s.abort(c.core.unavailable(s.batch < unsent, reason))
	}
}
