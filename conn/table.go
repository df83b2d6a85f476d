package conn

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Peer is another collector as it was when the [Table] that holds it was made. It never changes: treat the fields as
// read-only. Tests and simulations may build peers themselves; those cannot be called.
type Peer struct {
	// ID is the peer's collector id: its identity. An address is only where it was found.
	ID string
	// ConnectionID is that of [ConnectionID], and names the record of the connection.
	ConnectionID string
	// Address is where this collector dialled the peer or, if the peer dialled, where the peer claims to be.
	Address string
	// State is that of the connection, see the package documentation.
	State collector.ConnectionState
	// Reason says why calls cannot go to the peer; empty while they can.
	Reason string
	// Shared are the namespaces of the connection, sorted. Calls cross in these and in no other.
	Shared []string
	// Dialed tells that this collector dialled the connection and dials it again when it is lost.
	Dialed bool
	// Seed tells that the peer speaks only the seed's protocol: it is called by unary Serve and has no catalog, so it
	// may serve any method in the shared namespaces. Consider it when no peer with a catalog serves the method.
	Seed bool
	// OneWay tells that the peer calls this collector but cannot be called: a seed peer that dialled, while dialling
	// back the address it claims is not allowed.
	OneWay bool
	// Entrance tells that the peer routes the calls of this collector, a consumer, as those of any client: every method of
	// the shared namespaces can be called there, whatever its Catalog says.
	Entrance bool
	// Carrier is what calls go by now: CarrierUpgrade, CarrierRPC, CarrierSeed, or empty while nothing carries them.
	Carrier string
	// Catalog is what the peer said last that it serves; nil before it said anything and for seed peers.
	Catalog *Catalog
	// Silent tells that the peer is yet to say what it serves, over the link it has now or, for some minutes, after this
	// collector restarted: any method of a shared namespace may be its.
	Silent bool
	// Away tells that Catalog is what an earlier run of the peer served, or what it served before it began to stop. Calls
	// do not go there although the link is up; nothing has been withdrawn either.
	Away bool
	// SessionID is the run of the peer that is connected, or was last. Empty for seed peers, and before a peer of an
	// earlier run is back.
	SessionID string
	// Conflict says what is wrong with who is who, and what to do: several processes that run under the peer's id or this
	// collector's, another key under the id, more methods than are taken. Empty while all is well.
	Conflict string
	// Proof is how the peer has proved who it is, on the link that it has now. It is [ProofNone] without a link.
	Proof Proof

	path *currentPath
}

// Routable reports whether calls can go to the peer now.
func (p *Peer) Routable() bool { return p.linked() && !p.Away }

// Proven reports whether the peer has proved who it is on the link that it has now, see [Proof.Proven].
func (p *Peer) Proven() bool { return p.Proof.Proven() }

// linked reports whether the peer's own services can be called.
func (p *Peer) linked() bool { return routable(p.State) && !p.OneWay }

// Method returns the peer's catalog entry of a method in a shared namespace. A peer that is not routable answers what
// it served before. The entry is shared: do not modify it.
func (p *Peer) Method(namespace, procedure string) (*meshv1.CatalogMethod, bool) {
	if p.Catalog == nil || !p.shares(namespace) {
		return nil, false
	}
	return p.Catalog.Method(namespace, procedure)
}

// Open starts a call on the peer: over the link that the connection has now or, to a seed peer, as unary Serve. Send
// and Receive take messages of the call's codec or *[link.Raw].
//
// It refuses with permission_denied when the namespace is not shared, and with unavailable when there is no link; both
// are surely not executed. Namespace "" reaches the peer's own services, such as collector.CollectiveDispatcher.
// Errors of a call that the link failed are as [link.Link.Open] says.
func (p *Peer) Open(ctx context.Context, call link.Call) (connect.ClientStream, error) {
	if call.Namespace != "" && !p.shares(call.Namespace) {
		return nil, connect.Errorf(connect.CodePermissionDenied,
			"namespace %q is not shared with collector %q: connect again and offer it on both sides", call.Namespace, p.ID)
	}
	if p.path == nil {
		return nil, errNoLink(p)
	}
	return p.openOver(ctx, call)
}

// openOver uses the path of the moment. A path that was replaced between the look and the call has surely not sent
// anything, so its successor may be tried.
func (p *Peer) openOver(ctx context.Context, call link.Call) (connect.ClientStream, error) {
	for {
		at := p.path.at.Load()
		if at == nil {
			return nil, errNoLink(p)
		}
		stream, err := (*at).Open(ctx, call)
		if err == nil || !replaceable(err) || p.path.at.Load() == at {
			return stream, err
		}
	}
}

func replaceable(err error) bool {
	failed, ok := errors.AsType[*link.Error](err)
	return ok && !failed.Sent
}

// errNoLink is what a call gets when its peer has no path. It surely was not sent.
func errNoLink(p *Peer) error {
	cause := &link.Error{Reason: "there is no link"}
	reason := p.Reason
	if reason == "" {
		reason = "the link was lost just now"
	}
	return connect.Errorf(connect.CodeUnavailable, "collector %q cannot be reached: %s", p.ID, reason).WithCause(cause)
}

// Record counts a call made on the peer, with its message bytes. failed tells that it failed on the way, not by its
// handler. It is [Manager.RecordRequest] without the search.
func (p *Peer) Record(bytesSent, bytesReceived int64, failed bool) {
	if p.path == nil {
		return
	}
	p.path.tally.add(bytesSent, bytesReceived)
	if failed {
		p.path.tally.failures.Add(1)
	}
}

// RTT is the round trip of the link's last ping; 0 if it is unknown or there is no link.
func (p *Peer) RTT() time.Duration {
	if p.path == nil {
		return 0
	}
	at := p.path.at.Load()
	if at == nil {
		return 0
	}
	return (*at).RTT()
}

func (p *Peer) shares(namespace string) bool {
	_, ok := slices.BinarySearch(p.Shared, namespace)
	return ok
}

// Table is all peers at one moment. It never changes, so any number of goroutines may read it without a lock; the slices
// it returns are shared and must not be modified. The zero value has no peers. Who routes by it makes an index of its own.
type Table struct {
	peers []*Peer // by id, each once
}

// NewTable returns a table of peers. Of several with one id the last counts.
func NewTable(peers ...*Peer) *Table {
	t := new(Table)
	for _, p := range peers {
		t = t.with(p)
	}
	return t
}

// Peers returns all peers by id, the ones that cannot be reached included.
func (t *Table) Peers() []*Peer { return t.peers }

// Peer returns the peer with an id.
func (t *Table) Peer(id string) (*Peer, bool) {
	at, ok := t.find(id)
	if !ok {
		return nil, false
	}
	return t.peers[at], true
}

// Serving returns the peers that calls of a method can go to now, by id. Seed peers are not among them: they do not tell
// what they serve. It looks at every peer, for those who wait until a method can be called.
func (t *Table) Serving(namespace, procedure string) []*Peer {
	var serving []*Peer
	for _, p := range t.peers {
		if _, ok := p.Method(namespace, procedure); ok && p.Routable() {
			serving = append(serving, p)
		}
	}
	return serving
}

// with returns the table with p in place of the peer of that id.
func (t *Table) with(p *Peer) *Table {
	at, found := t.find(p.ID)
	peers := slices.Clone(t.peers)
	if found {
		peers[at] = p
	} else {
		peers = slices.Insert(peers, at, p)
	}
	return &Table{peers: peers}
}

// without returns the table without a peer.
func (t *Table) without(id string) *Table {
	at, found := t.find(id)
	if !found {
		return t
	}
	return &Table{peers: slices.Delete(slices.Clone(t.peers), at, at+1)}
}

func (t *Table) find(id string) (at int, found bool) {
	return slices.BinarySearchFunc(t.peers, id, func(p *Peer, id string) int { return strings.Compare(p.ID, id) })
}
