package call

import (
	"net/netip"
	"strings"

	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// Trust is to which peers the Authorization header of a call may go: to one that has proved who it is, or that this collector
// dialled itself, on loopback or with TLS.
type Trust struct {
	All    bool        // to all of them
	TLS    bool        // this collector dials with TLS
	Proves func() bool // whether peers have proved who they are
}

// distrust says why a call's Authorization header does not go to a peer; empty if it does.
func (t Trust) distrust(st *routing.RoutePeer) string {
	switch {
	case t.All || t.Proves():
		return ""
	case !st.Dialed:
		return "the peer dialled this collector and has not proved who it is"
	case !t.TLS && !isLoopback(st.Address):
		return "the peer was dialled beyond loopback without TLS"
	}
	return ""
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
