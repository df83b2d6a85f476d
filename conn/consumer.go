package conn

import (
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
)

// A consumer is a process that calls and hosts nothing. Its link has a connection that nobody lists: no record, no entry
// in the table, no place among the peers. It ends with its link and leaves nothing behind, so any number of consumers may
// come and go, under whatever ids, and touch no connection of a peer. What bounds them is the number of links.

const (
	// metaConsumer is set in ConnectRequest.metadata by a consumer. A collector that does not know the word takes it for
	// a peer.
	metaConsumer = "consumer"
	// detailEntrance is set in Status.details of the answer to a consumer: its calls are routed, not only run there.
	detailEntrance = "entrance"
)

// WithConsumers takes the calls of processes that only call, see [Self.Consumer], to handler, which has to find out where
// they go: namespaces are checked by nobody before. Namespace "" is the collector's own services or, for any other
// procedure, a namespace that the handler has to find. Such a process is in no [Table] and in no [Store]. Default: it is a
// peer that serves nothing.
func WithConsumers(handler link.Handler) Option {
	return optionFunc(func(o *options) { o.consumers = handler })
}

// consumer is the session of a consumer that asks; nil if another collector does, or if nobody here takes consumers.
func (a *asked) consumer(req *collector.ConnectRequest, taken link.Handler) *session {
	if taken == nil || req.GetMetadata()[metaConsumer] == "" {
		return nil
	}
	return a.session
}

// acceptConsumer binds a link to a connection of its own that nobody else knows. Agreed once more, it gets the new terms.
func (s *session) acceptConsumer(a asked) (*collector.ConnectResponse, error) {
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return nil, errStopping(m.self.ID)
	}
	if t := s.terms.Load(); t != nil && !t.consumer {
		return nil, connect.Errorf(connect.CodeFailedPrecondition,
			"the link is that of peer %q, which serves calls too: open another one to only call", a.peer)
	}
	c := newConnection(m.self.ID, a.peer)
	s.consume(c, a.namespaces)
	m.logger.Debug("consumer accepted", "consumer", a.peer, "from", s.from, "namespaces", a.namespaces)
	answer := a.status()
	answer.Details[detailEntrance] = "true"
	return &collector.ConnectResponse{
		Status: answer, ConnectionId: c.id, SharedNamespaces: slices.Clone(a.namespaces), TargetCollectorId: m.self.ID,
	}, nil
}

// consume gives the session of a consumer its terms, and tells it what can be called here. Manager.mu is held.
func (s *session) consume(c *connection, namespaces []string) {
	s.catalog = nil // whatever it says that it serves
	s.bindTerms(&terms{conn: c, shared: namespaces, consumer: true})
	s.awaited = s.revision + 1
	s.announceSoon()
}

// handler is who takes the calls of the terms.
func (t *terms) handler(o *options) link.Handler {
	if t.consumer {
		return o.consumers
	}
	return o.handler
}
