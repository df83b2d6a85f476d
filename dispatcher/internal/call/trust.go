package call

import (
	"context"
	"net/netip"
	"strings"

	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// trusts reports whether a call's Authorization header may go to a peer: one that has proved who it is, or that this
// collector dialled itself, on loopback or with TLS.
func (p *Peers) trusts(st *routing.RoutePeer) bool { return p.distrust(st) == "" }

// distrust says why a call's Authorization header does not go to a peer; empty if it does.
func (p *Peers) distrust(st *routing.RoutePeer) string {
	switch {
	case p.Trust.All || p.Trust.Proves():
		return ""
	case !st.Dialed:
		return "the peer dialled this collector and has not proved who it is"
	case !p.Trust.TLS && !isLoopback(st.Address):
		return "the peer was dialled beyond loopback without TLS"
	}
	return ""
}

// withhold tells in the log that a call's Authorization header does not go to a peer, once for each peer: its handlers
// may refuse the call for that.
func (p *Peers) withhold(ctx context.Context, st *routing.RoutePeer) {
	if st.Withheld.Swap(true) {
		return
	}
	p.Log.WarnContext(ctx, "the authorization header of calls does not go to a peer", "collector", p.Self, "peer", st.ID,
		"reason", p.distrust(st), "next", "let collectors prove who they are (serve --trust-domain, conn.WithIdentity), "+
			"or let it go to every peer (dispatcher.WithForwardedAuthorization)")
}

// isLoopback reports whether a host:port is on this machine.
// A name other than localhost is not looked up: what it resolves to here need not be what was dialled.
func isLoopback(address string) bool {
	if host, _, ok := strings.Cut(address, ":"); ok && host == "localhost" {
		return true
	}
	parsed, err := netip.ParseAddrPort(address)
	return err == nil && parsed.Addr().Unmap().IsLoopback()
}
