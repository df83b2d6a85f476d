package conn

import (
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
)

// Keys of ConnectRequest.metadata.
const (
	// metaCollectorID names the caller, as in the seed. It may be absent, see requestReader.nameCaller.
	metaCollectorID = "collector_id"
	// metaAgain is set by a collector that dials again by itself: such a call does not revive what was disconnected.
	metaAgain = "again"
	// metaLinks is set by a collector that speaks the link but had to fall back on the seed's protocol. Another one
	// that speaks it refuses then: something between the two is wrong, and a connection without a link would hide it.
	metaLinks = "links"
	// metaConsumer is set by a consumer. A collector that does not know the word takes it for a peer.
	metaConsumer = "consumer"
	// metaMore is set by a collector that will ask once more over the same link, for namespaces that are too many to be named by
	// a stranger: meanwhile what was shared before stays.
	metaMore = "more"
)

// connectIntent is what this side wants of a connection.
type connectIntent struct {
	address string
	offered []string // sorted
	peer    string   // for a redial: who must answer
	again   bool     // a redial asks, not a person
	fresh   bool     // the link that is up will not do: its certificates expire
}

// intentAgain is what a redial asks for. The state lock is held.
func intentAgain(c *connection) connectIntent {
	return connectIntent{address: c.record.GetAddress(), offered: c.record.GetOfferedNamespaces(), peer: c.peer, again: true}
}

// request is what the other side is asked.
func (w connectIntent) request(self Self) *collector.ConnectRequest {
	req := &collector.ConnectRequest{
		Address:    self.Address,
		Namespaces: w.offered,
		Metadata:   map[string]string{metaCollectorID: self.ID},
	}
	if self.Consumer {
		req.Metadata[metaConsumer] = "true"
	}
	if w.again {
		req.Metadata[metaAgain] = "true"
	}
	return req
}

// checkAnswer returns what the peer agreed to share, or its refusal. It makes sure that the peer answered for itself and
// agreed to no more than it was offered.
func (w connectIntent) checkAnswer(answer *collector.ConnectResponse, peer string) (shared []string, _ error) {
	if err := agreementError(answer, peer); err != nil {
		return nil, err
	}
	if answer.GetTargetCollectorId() != peer {
		return nil, errOther(w.address, peer, answer.GetTargetCollectorId())
	}
	shared = slices.Compact(slices.Sorted(slices.Values(answer.GetSharedNamespaces())))
	for _, n := range shared {
		if _, offered := slices.BinarySearch(w.offered, n); !offered {
			return nil, connect.Errorf(connect.CodeFailedPrecondition,
				"collector %q wants to share namespace %.80q, which was not offered: it is not to be trusted", peer, n)
		}
	}
	return shared, nil
}

// checkPeer refuses another peer than the one that a redial is for.
func (w connectIntent) checkPeer(found string) error {
	if w.peer != "" && w.peer != found {
		return errOther(w.address, w.peer, found)
	}
	return nil
}

func errOther(address, wanted, found string) error {
	return connect.Errorf(connect.CodeFailedPrecondition,
		"collector %q answers at %s, not %q: connect to the address that %q has now", found, address, wanted, wanted)
}

// answerOf is what ConnectTo returns: the connection as it is now, which another agreement may have changed meanwhile.
func answerOf(dir *directory, c *connection) *collector.ConnectResponse {
	dir.mu.Lock()
	defer dir.mu.Unlock()
	return &collector.ConnectResponse{
		Status:            status.OK(),
		ConnectionId:      c.id,
		SharedNamespaces:  slices.Clone(c.record.GetSharedNamespaces()),
		TargetCollectorId: c.peer,
	}
}

// agreement is what both sides of a connection have settled, on the way to become its state.
type agreement struct {
	// path carries the calls from now on. It is nil for a seed peer that dialled and may not be dialled back.
	path peerPath
	seed bool
	// address is where the peer is: dialled or claimed.
	address string
	shared  []string // sorted
	// dialed tells that this side asked for it, and offered what it offered.
	dialed  bool
	offered []string
	// again tells that a redial asked for it, not a person: it must not revive what a person has closed.
	again bool
	// proof is how a peer without a link has proved who it is.
	proof Proof
	// volatile tells that the peer has proved nothing: nothing of it is written down.
	volatile bool
	// entrance tells that the peer routes the calls of this side, which is a consumer.
	entrance bool
}

// linked is the link of the agreement; nil if it has none.
func (a *agreement) linked() *peerLink {
	l, _ := a.path.(*peerLink) //nolint:errcheck // nil is an answer
	return l
}
