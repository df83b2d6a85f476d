package link

import (
	"math"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/handshake"
)

// reader hands every arriving frame to its call. It never waits for anybody: a frame is copied to where its receiver
// finds it.
type reader struct {
	core    *core
	caller  *caller
	server  *server
	live    *liveness
	catalog *catalogInbox
	told    *catalogOutbox
	names   *frame.ReceivedNames[target]
}

// loop reads until the stream ends or breaks the protocol.
func (r *reader) loop(frames *frame.Reader) error {
	for {
		h, body, err := frames.Next()
		if err != nil {
			return err
		}
		if err := r.accept(h, body); err != nil {
			return err
		}
		if r.core.out.Flooded() {
			return errFlood
		}
	}
}

func (r *reader) accept(h frame.Header, body []byte) error {
	switch h.Type {
	case frame.TypeOpen:
		return r.server.acceptOpen(h, body, r.names)
	case frame.TypeMessage:
		return r.acceptMessage(h, body)
	case frame.TypeHeaders:
		return r.acceptHeaders(h, body)
	case frame.TypeEnd:
		return r.acceptEnd(h, body)
	case frame.TypeCancel:
		return r.acceptCancel(h)
	case frame.TypeWindow:
		return r.acceptWindow(h, body)
	case frame.TypePing:
		return r.acceptPing(body)
	case frame.TypePong:
		r.live.pong(body)
	case frame.TypeCatalog:
		return r.catalog.accept(h, body)
	case frame.TypeTaken:
		return r.told.accept(h, body)
	case frame.TypeGoaway:
		return r.caller.acceptGoaway(h, body)
	case frame.TypeHello:
		return frame.Malformed("a second HELLO")
	case frame.TypeProof:
		return frame.Malformed("a second PROOF")
	case frame.TypeRefused:
		return refusalOf(handshake.ReadRefusal(body))
	}
	return nil
}

func (r *reader) acceptMessage(h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	piece := part{first: h.Has(frame.FlagFirst), more: h.Has(frame.FlagMore), last: h.Has(frame.FlagHalfClose)}
	if piece.first {
		piece.size = int(min(p.Uvarint(), math.MaxInt32))
	}
	if p.Err != nil {
		return p.Err
	}
	piece.data = p.B
	if r.core.own(h.Call) {
		return r.caller.acceptMessage(h, piece)
	}
	return r.server.acceptMessage(h, piece)
}

func (r *reader) acceptHeaders(h frame.Header, body []byte) error {
	if !r.core.own(h.Call) {
		return frame.Malformed("HEADERS from a caller")
	}
	return r.caller.acceptHeaders(h, body)
}

func (r *reader) acceptEnd(h frame.Header, body []byte) error {
	if !r.core.own(h.Call) {
		return frame.Malformed("END from a caller")
	}
	return r.caller.acceptEnd(h, body)
}

func (r *reader) acceptCancel(h frame.Header) error {
	if r.core.own(h.Call) {
		return frame.Malformed("CANCEL of a call by its server")
	}
	return r.server.acceptCancel(h)
}

func (r *reader) acceptWindow(h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	grant := p.Uvarint()
	if p.Err != nil {
		return p.Err
	}
	if grant > math.MaxInt32 {
		return frame.Malformed("credit out of range")
	}
	c, err := r.find(h.Call)
	if c == nil {
		return err
	}
	return r.core.receiver.credit(c, int(grant))
}

// find returns the call of either end with this id; nil if it has ended.
func (r *reader) find(id uint64) (*call, error) {
	if r.core.own(id) {
		s, err := r.caller.find(id)
		if s == nil {
			return nil, err
		}
		return &s.call, nil
	}
	c, err := r.server.find(id)
	if c == nil {
		return nil, err
	}
	return &c.call, nil
}

func (r *reader) acceptPing(body []byte) error {
	if len(body) != 8 {
		return frame.Malformed("PING of a wrong size")
	}
	r.core.out.Control(frame.TypePong, 0, 0, body...)
	return nil
}
