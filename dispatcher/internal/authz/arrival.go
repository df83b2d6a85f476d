package authz

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// arrival is what was found of the callers of one kind of call over a link.
type arrival struct {
	caller  *access.Caller
	refused *refusal.Refusal
}

// OfLink is the caller of a call that a peer brings. The peer's word for who it is counts only if the peer has proved who it is
// itself; otherwise the call is anybody's who can reach this collector from there.
func (a *Authorizer) OfLink(info *link.ServerInfo) (*access.Caller, *refusal.Refusal) {
	if known, ok := info.Memo.Load().(*arrival); ok {
		return known.caller, known.refused
	}
	found := a.arrive(info)
	info.Memo.Store(found)
	return found.caller, found.refused
}

// arrive is what [Authorizer.OfLink] remembers. It is a matter of the link and of what the peer says, not of the one call.
func (a *Authorizer) arrive(info *link.ServerInfo) *arrival {
	end := a.Ends(info.Link)
	o := end.origin()
	o.Via = end.ID
	switch {
	case !end.Proven:
		return &arrival{caller: access.NewCaller(access.Nobody, o)}
	case info.Caller == "":
		return &arrival{caller: access.NewCaller(ofCollector(end.ID), o)}
	}
	c, err := access.ParseCaller(info.Caller, end.ID)
	if err != nil {
		r := refusal.New(connect.CodeUnauthenticated, mesh.ReasonUnauthenticated,
			"who calls, as collector "+refusal.Quoted(end.ID)+" says it, cannot be read here: run the same version on both")
		r.Cause = err
		return &arrival{refused: r}
	}
	return &arrival{caller: c}
}

// OfConsumer is the caller of a call of a program that has dialled: whoever the headers of the call, or else the connection,
// show. The program is no collector, and its id, which it chose, is no name.
func (a *Authorizer) OfConsumer(ctx context.Context, info *connect.CallInfo, over *link.ServerInfo) (*access.Caller, *refusal.Refusal) {
	end := a.Ends(over.Link)
	shown := access.Credentials{TLS: end.TLS, Remote: end.Remote}
	header := info.RequestHeader()
	if refused := a.read(&shown, header.Values(headerAuthorization), header.Values(headerAPIKey)); refused != nil {
		return nil, refused
	}
	o := end.origin()
	if !shown.Any() {
		return a.anonymous[observe.Link][networkOf(end.Remote, nil)][btoi(o.TLS)], nil
	}
	if refused := a.contradicts(ctx, &shown); refused != nil {
		return nil, refused
	}
	p, err := a.Guard.Authenticate(ctx, &shown)
	if err != nil {
		return nil, notBelieved(err)
	}
	if p != access.Nobody {
		header.Delete(headerAPIKey)
	}
	if known, ok := over.Memo.Load().(*arrival); ok && known.caller.Principal == p {
		return known.caller, nil
	}
	c := access.NewCaller(p, o)
	over.Memo.Store(&arrival{caller: c})
	return c, nil
}

// OfContext is the caller in the context of an RPC of the seed. Without one the RPC was not served by a collector's port: it is
// the program's own, or came to a server that the program has put the dispatcher on, by which nobody has a name.
func (a *Authorizer) OfContext(ctx context.Context) *access.Caller {
	if c, ok := access.CallerFromContext(ctx); ok {
		return c
	}
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok || info.PeerAddr == "" && info.Protocol == "" {
		return a.process
	}
	return a.anonymous[observe.Dispatch][networkOf(info.PeerAddr, nil)][0]
}
