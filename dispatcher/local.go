package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/mesh"
)

// snapshot is what is registered at one moment. It never changes.
type snapshot struct {
	// revision grows with every change.
	revision uint64
	spaces   map[string]map[string]*method // by namespace and procedure; no empty namespaces
	files    *ownFiles
	types    map[string]func() *dynamicpb.Types // by namespace; made by the first who asks
	// alone is a view of this snapshot without any peer, for Serve. It is made by the first who asks.
	alone func() *view
	// replaced is closed when another one takes its place.
	replaced chan struct{}
}

func newSnapshot(revision uint64, spaces map[string]map[string]*method, self string, namespaces []string) *snapshot {
	s := &snapshot{
		revision: revision, spaces: spaces, files: new(ownFiles), replaced: make(chan struct{}),
		types: make(map[string]func() *dynamicpb.Types, len(spaces)),
	}
	for namespace, methods := range spaces {
		s.types[namespace] = sync.OnceValue(func() *dynamicpb.Types { return typesOfMethods(methods) })
	}
	s.alone = sync.OnceValue(func() *view { return join(self, namespaces, s, nil, nil, nil) })
	return s
}

// with returns what is registered after methods were added. Nobody checks duplicates here.
func (s *snapshot) with(methods []*method) map[string]map[string]*method {
	spaces := maps.Clone(s.spaces)
	for _, m := range methods {
		space := maps.Clone(spaces[m.namespace])
		if space == nil {
			space = make(map[string]*method)
		}
		space[m.spec.Procedure] = m
		spaces[m.namespace] = space
	}
	return spaces
}

// without returns what is registered after methods were taken out.
func (s *snapshot) without(methods []*method) map[string]map[string]*method {
	spaces := maps.Clone(s.spaces)
	for _, m := range methods {
		space := maps.Clone(spaces[m.namespace])
		delete(space, m.spec.Procedure)
		spaces[m.namespace] = space
		if len(space) == 0 {
			delete(spaces, m.namespace)
		}
	}
	return spaces
}

// tell gives every service to a validator that listens.
func (s *snapshot) tell(listener serviceListener) error {
	for namespace, methods := range s.spaces {
		for _, service := range servicesOf(slices.Collect(maps.Values(methods))) {
			if err := listener.AddService(namespace, service); err != nil {
				return err
			}
		}
	}
	return nil
}

// catalog is what peers are told.
func (s *snapshot) catalog() *meshv1.Catalog {
	catalog := &meshv1.Catalog{Revision: s.revision}
	for _, methods := range s.spaces {
		for _, m := range methods {
			catalog.Methods = append(catalog.Methods, m.catalogMethod())
		}
	}
	catalog.Schemas = s.files.schemas()
	return catalog
}

// local runs the methods of this collector. It has no way to a peer: whatever is handed a local and nothing else can
// run a call here or refuse it, so that no call makes a second hop.
type local struct {
	self       string
	namespaces []string
	limits     Limits
	recovery   *recovery
	sources    *descriptor.Sources
	current    atomic.Pointer[snapshot]
	validator  atomic.Pointer[validator]
}

func newLocal(self string, namespaces []string, limits Limits, recovery *recovery, sources *descriptor.Sources) *local {
	l := &local{self: self, namespaces: namespaces, limits: limits, recovery: recovery, sources: sources}
	l.current.Store(newSnapshot(0, map[string]map[string]*method{}, self, namespaces))
	return l
}

// replace makes a change the one that is served. One at a time.
func (l *local) replace(spaces map[string]map[string]*method) *snapshot {
	old := l.current.Load()
	next := newSnapshot(old.revision+1, spaces, l.self, l.namespaces)
	next.files = old.files.next(spaces, l.sources)
	l.current.Store(next)
	close(old.replaced)
	return next
}

func (l *local) lookup(namespace, procedure string) (*method, bool) {
	m, ok := l.current.Load().spaces[namespace][procedure]
	return m, ok
}

// run runs a method. A call whose time is over is not started.
func (l *local) run(ctx context.Context, m *method, info *connect.CallInfo, stream connect.ServerStream) error {
	if err := ctx.Err(); err != nil {
		return refusal.TimeOver(err, false).Err(l.self)
	}
	if r := l.validate(ctx, m); r != nil {
		return r.Err(l.self)
	}
	return m.call(ctx, info, &guardedStream{ServerStream: l.opened(m, info, stream), limit: l.limits.MessageBytes})
}

// guardedStream is what a handler here gets. It marks the refusal of a request message that does not decode as the
// mesh's own: it passes through the handler and would look like its verdict. And it refuses an answer that would be too
// large for a link, so that a method does not work here and fail when it is called from elsewhere; compression on the
// way to the client does not help it.
type guardedStream struct {
	connect.ServerStream
	limit int
}

func (s *guardedStream) Send(msg any) error {
	if message, ok := msg.(proto.Message); ok {
		if size := proto.Size(message); size > s.limit {
			r := refusal.New(connect.CodeResourceExhausted, mesh.ReasonTooLarge,
				fmt.Sprintf("the answer has %d bytes, at most %d are sent; use a streaming method", size, s.limit))
			r.MaybeExecuted = true
			return r.Err()
		}
	}
	return s.ServerStream.Send(msg)
}

func (s *guardedStream) Receive(msg any) error {
	err := s.ServerStream.Receive(msg)
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[*connect.Error](err); ok && own.Code() == connect.CodeInvalidArgument && len(own.Details()) == 0 {
		r := refusal.New(own.Code(), mesh.ReasonInputMalformed, own.Message())
		r.Cause = err
		return r.Err()
	}
	return err
}

// serveLink is the [link.Handler] of a collector: it runs what is registered here. It takes also the agreement on the
// connection itself, which comes in no namespace.
func (l *local) serveLink(system *connect.Server) link.Handler {
	return func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
		namespace := linkNamespace(info)
		if namespace == "" {
			return system.Call(ctx, procedure, info, stream)
		}
		m, ok := l.lookup(namespace, procedure)
		if !ok {
			return refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown,
				"collector "+refusal.Quoted(l.self)+" does not serve "+refusal.Spoken(procedure)+" in namespace "+refusal.Quoted(namespace)).Err(l.self)
		}
		return l.run(ctx, m, info, stream)
	}
}

func linkNamespace(info *connect.CallInfo) string {
	if server, ok := info.TransportInfo.(*link.ServerInfo); ok {
		return server.Namespace
	}
	return ""
}
