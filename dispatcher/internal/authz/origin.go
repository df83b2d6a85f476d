package authz

import (
	"crypto/tls"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/internal/origin"
)

// networks is how many networks a connection can come from.
const networks = 3

// networkWords are what the numbers of networks stand for.
var networkWords = [networks]string{access.NetworkRemote, access.NetworkLoopback, access.NetworkSocket}

// anonymousAt are the callers without credentials at an entrance.
func anonymousAt(entrance observe.Entrance) *[networks][2]*access.Caller {
	var callers [networks][2]*access.Caller
	for n, network := range networkWords {
		for tls := range callers[n] {
			callers[n][tls] = access.NewCaller(access.Nobody, access.Origin{Network: network, TLS: tls == 1, Entrance: string(entrance)})
		}
	}
	return &callers
}

// networkOf is the number of the network of a connection from an address, as the socket has it.
func networkOf(remote string, socket *access.SocketPeer) int {
	switch {
	case socket != nil:
		return 2
	case origin.Loopback(remote):
		return 1
	}
	return 0
}

// End is the other end of a link.
type End struct {
	ID     string               // of the collector, as it says
	Proven bool                 // whether it has proved that, so that its word counts for who calls
	Remote string               // its address, host:port; empty for one of this process
	TLS    *tls.ConnectionState // of the connection that carries the link; nil without
}

// origin is where calls of a link's other end come from.
func (e *End) origin() access.Origin {
	return access.Origin{Network: networkWords[networkOf(e.Remote, nil)], TLS: e.TLS != nil, Entrance: string(observe.Link)}
}

// btoi is the index of a choice.
func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
