package call

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/header"
)

// openMirrored opens a call of this process on a peer. Its headers go as they are unless one of them must not.
// Most calls of this process bring no header that must be left out, and save the copy.
func (p *Peers) openMirrored(ctx context.Context, r *Request) (connect.ClientStream, *RetryingCall, error) {
	if !filters(r.Info.RequestHeader()) {
		out, err := p.open(ctx, r.Info, r.Decision, r.call(), nil)
		if err != nil {
			return nil, nil, err
		}
		return out, out, nil
	}
	ctx, filtered := connect.NewClientContext(ctx)
	out, err := p.open(ctx, filtered, r.Decision, r.call(), r.Info.RequestHeader())
	if err != nil {
		return nil, nil, err
	}
	r.Info.TransportInfo = filtered.TransportInfo
	return &mirrored{ClientStream: out, to: r.Info, from: filtered}, out, nil
}

// filters reports whether a request header has a name that may not go to a peer as it is.
func filters(h *connect.Header) bool {
	for name := range h.All() {
		if !header.Passes(name) || name == header.Cookie || name == header.Authorization {
			return true
		}
	}
	return false
}

// mirrored shows the response metadata of a call in the CallInfo of the caller, whose request headers had to be
// filtered into another.
type mirrored struct {
	connect.ClientStream
	to, from *connect.CallInfo
}

// Receive mirrors after each message, since headers come with the first and trailers with the last. It is on the caller's
// goroutine, so the caller may read its CallInfo without a lock.
func (m *mirrored) Receive(msg any) error {
	err := m.ClientStream.Receive(msg)
	header.Mirror(m.to.ResponseHeader(), m.from.ResponseHeader())
	header.Mirror(m.to.ResponseTrailer(), m.from.ResponseTrailer())
	m.to.TransportInfo, m.to.PeerAddr, m.to.Protocol = m.from.TransportInfo, m.from.PeerAddr, m.from.Protocol
	return err
}
