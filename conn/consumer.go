package conn

import (
	"log/slog"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
)

// detailEntrance is set in Status.details of the answer to a consumer: its calls are routed, not only run there.
const detailEntrance = "entrance"

// consumers takes in processes that call and host nothing. The link of one has a connection that nobody lists: no record,
// no entry in the table, no place among the peers. It ends with its link and leaves nothing behind, so any number of
// consumers may come and go, under whatever ids, and touch no connection of a peer. What bounds them is the number of
// links.
type consumers struct {
	dir      *directory
	catalogs *catalogs
	life     *lifetime.Lifetime
	handler  link.Handler // nil: a consumer is a peer that serves nothing
	logger   *slog.Logger
}

// asks reports whether a consumer asks, and is taken for one.
func (o *consumers) asks(a *asked, req *collector.ConnectRequest) bool {
	return o.handler != nil && a.link != nil && req.GetMetadata()[metaConsumer] != ""
}

// accept binds a link to a connection of its own that nobody else knows. Agreed once more, it gets the new terms.
func (o *consumers) accept(a *asked) (*collector.ConnectResponse, error) {
	o.dir.mu.Lock()
	defer o.dir.mu.Unlock()
	if _, closing := o.life.Closing(); closing {
		return nil, o.life.Stopping()
	}
	l := a.link
	if t := l.terms.Load(); t != nil && !t.consumer {
		return nil, connect.Errorf(connect.CodeFailedPrecondition,
			"the link is that of peer %q, which serves calls too: open another one to only call", a.peer)
	}
	id := ConnectionID(o.dir.self.ID, a.peer)
	l.early = nil // whatever it says that it serves
	l.bind(&terms{connectionID: id, tally: new(tally), shared: a.namespaces, handler: o.handler, consumer: true})
	o.catalogs.owe(l, false)
	o.logger.Debug("consumer accepted", "consumer", a.peer, "from", l.from, "namespaces", a.namespaces)
	answer := a.Status()
	answer.Details[detailEntrance] = "true"
	return &collector.ConnectResponse{
		Status: answer, ConnectionId: id, SharedNamespaces: slices.Clone(a.namespaces), TargetCollectorId: o.dir.self.ID,
	}, nil
}
