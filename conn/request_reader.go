package conn

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/conn/internal/introduction"
	"github.com/collectiverpc/collective/conn/internal/pace"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/name"
)

// asked is a ConnectRequest that was checked.
type asked struct {
	introduction.Remarks
	peer       string
	address    string // where the peer claims to be; empty if it does not say
	namespaces []string
	link       *peerLink // nil: it came over plain HTTP
}

// requestReader finds out who asks for a connection, and refuses who must not.
type requestReader struct {
	dir    *directory
	proof  identity.Prover
	claims *claims
	pace   *pace.Keyed // of requests without a link, by address
	logger *slog.Logger
}

func (r *requestReader) read(ctx context.Context, req *collector.ConnectRequest) (a asked, err error) {
	if a.link = linkOf(ctx); a.link != nil {
		return a, r.readLinked(req, &a)
	}
	return a, r.readLinkless(ctx, req, &a)
}

// readLinked reads who asks over a link: the one that greeted. It runs this code, so whatever it must not say is a fault
// or an attack, and refuses all.
func (r *requestReader) readLinked(req *collector.ConnectRequest, a *asked) (err error) {
	greeted := a.link.peer.CollectorID
	a.peer, a.address = cmp.Or(req.GetMetadata()[metaCollectorID], greeted), req.GetAddress()
	if err := introduction.CheckPeerID(r.dir.self.ID, a.peer); err != nil {
		return err
	}
	if a.peer != greeted {
		return connect.Errorf(connect.CodePermissionDenied,
			"the link is collector %q's, the request says collector_id %q: they must be the same", greeted, a.peer)
	}
	if err := r.proof.CheckProof(a.link.proven, a.peer); err != nil {
		return err
	}
	if a.address != "" {
		if err := introduction.CheckAddress(a.address); err != nil {
			return err
		}
	}
	a.namespaces, err = introduction.CleanNamespaces(req.GetNamespaces())
	return err
}

// readLinkless reads who asks without a link: a collector of the seed's contract, which has no rule for names. What
// cannot be used here is left out, and said in the answer.
func (r *requestReader) readLinkless(ctx context.Context, req *collector.ConnectRequest, a *asked) error {
	if err := r.checkPace(ctx); err != nil {
		return err
	}
	proven, err := r.proof.Identify(tlsOf(ctx))
	if err != nil {
		return err
	}
	a.peer = r.nameCaller(ctx, req, proven, &a.Remarks)
	if err := introduction.CheckPeerID(r.dir.self.ID, a.peer); err != nil {
		return err
	}
	if err := r.proof.CheckProof(proven, a.peer); err != nil {
		return err
	}
	if err := r.checkLinkless(a.peer, req); err != nil {
		return err
	}
	a.address = a.TakeAddress(req.GetAddress())
	a.namespaces, err = a.TakeNamespaces(req.GetNamespaces())
	return err
}

// checkPace bounds how often an address may ask.
func (r *requestReader) checkPace(ctx context.Context) error {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok || r.pace.Take(introduction.Host(info.PeerAddr), time.Now()) {
		return nil
	}
	return connect.Errorf(connect.CodeResourceExhausted,
		"your address asks for connections without a link more than %v times a second: wait a second", r.pace.Rate)
}

// checkLinkless refuses a claim without a link that could harm a connection with one: anybody can send a plain request.
func (r *requestReader) checkLinkless(peer string, req *collector.ConnectRequest) error {
	if req.GetMetadata()[metaLinks] != "" {
		return connect.Errorf(connect.CodeUnavailable,
			"collector %q accepts links, and yours did not get through: something on the way refuses the upgrade at %s and the RPC %s; "+
				"let one of them pass", r.dir.self.ID, carrier.UpgradePath, carrier.CarryPath)
	}
	if err := r.claims.checkLinkless(peer); err != nil {
		return err
	}
	r.dir.mu.Lock()
	defer r.dir.mu.Unlock()
	c, ok := r.dir.conns[peer]
	if !ok || c.record == nil {
		return nil
	}
	if c.linked() != nil || c.record.GetIsInitiator() && !c.seed {
		return connect.Errorf(connect.CodeAlreadyExists, "collector %q is connected with %q by a link: disconnect that first", r.dir.self.ID, peer)
	}
	return nil
}

// nameCaller returns the id of a caller without a link. In the seed's contract metadata.collector_id is optional: a
// caller without one goes by what its certificate proves, else by the id of the peer that was dialled at the address
// that it claims, else by a name that is made of what it says, the same each time. So does a caller whose name is none
// here, unless certificates decide.
func (r *requestReader) nameCaller(ctx context.Context, req *collector.ConnectRequest, proven string, remarks *introduction.Remarks) string {
	claimed := req.GetMetadata()[metaCollectorID]
	err := name.CheckCollectorID(claimed)
	if err == nil || r.proof.Required() && claimed != "" {
		return claimed
	}
	if claimed != "" {
		remarks.LeaveOut(err.Error())
	}
	remarks.KnownAs = proven
	if remarks.KnownAs == "" {
		remarks.KnownAs = r.idAt(req.GetAddress())
	}
	if remarks.KnownAs == "" {
		remarks.KnownAs = introduction.DeriveID(introduction.CallerKey(ctx, req, claimed))
	}
	return remarks.KnownAs
}

// idAt returns the id of the peer that this side has dialled at an address, empty if there is none.
func (r *requestReader) idAt(address string) string {
	if address == "" {
		return ""
	}
	r.dir.mu.Lock()
	defer r.dir.mu.Unlock()
	if c := r.dir.dialedAt(address); c != nil {
		return c.peer
	}
	return ""
}

// nameAnswerer returns the id of the seed peer that answered at an address: its own, or one that is made of the address.
func (r *requestReader) nameAnswerer(answer *collector.ConnectResponse, address string) (string, error) {
	id := answer.GetTargetCollectorId()
	if id == r.dir.self.ID {
		return "", introduction.ErrSelf(id)
	}
	err := name.CheckCollectorID(id)
	if err == nil || r.proof.Required() {
		return id, introduction.CheckPeerID(r.dir.self.ID, id)
	}
	made := introduction.DeriveID(address)
	r.logger.Warn("a peer has no id that can be used, and is known by its address",
		"address", address, "known_as", made, "because", fmt.Sprint(err))
	return made, nil
}
