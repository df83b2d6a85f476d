package conn

import (
	"crypto/tls"
	"net"
	"slices"

	"github.com/collectiverpc/collective/conn/link"
)

// LinkInfo is what is known of the other end of a link.
type LinkInfo struct {
	// ID is the collector id that the other end goes by.
	ID string
	// Consumer tells that it only calls, and is no peer.
	Consumer bool
	// Dialed tells that this collector dialled the link.
	Dialed bool
	// Remote is the address of the other end, ip:port; the port may be 0 for one that is not known.
	Remote string
	// TLS is the state of the connection that carries the link; nil for none. It must not be changed.
	TLS *tls.ConnectionState

	proven bool
}

// Proven reports whether the other end has proved its id on this link, so that it is believed what it says of others.
func (i LinkInfo) Proven() bool { return i.proven }

// LinkInfo tells of the other end of a link, such as that of [link.ServerInfo]. It is false for a link that is not one of
// this manager, or is over. It takes a lock: whoever needs it for each call keeps what it says.
func (m *Manager) LinkInfo(of *link.Link) (LinkInfo, bool) {
	links := m.links.set.list()
	i := slices.IndexFunc(links, func(l *peerLink) bool { return l.link == of })
	if i < 0 {
		return LinkInfo{}, false
	}
	l, t := links[i], links[i].terms.Load()
	return LinkInfo{
		ID: l.peer.CollectorID, Consumer: t != nil && t.consumer, Dialed: l.dialed, Remote: net.JoinHostPort(l.from, "0"),
		proven: l.proven == l.peer.CollectorID || l.dialed,
	}, true
}
