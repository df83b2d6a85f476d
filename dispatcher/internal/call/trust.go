package call

import "github.com/collectiverpc/collective/dispatcher/internal/routing"

// Trust is to which peers the Authorization header of a call may go: to one that has proved who it is on the link that it has
// now. Who dialled, and what is stored of it, does not count.
type Trust struct {
	All bool // to all of them
}

// distrust says why a call's Authorization header does not go to a peer; empty if it does.
func (t Trust) distrust(st *routing.RoutePeer) string {
	if t.All || st.Proven {
		return ""
	}
	return "the peer has not proved who it is"
}
