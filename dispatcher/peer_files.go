package dispatcher

import (
	"context"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// learnPatience is how long somebody who asks for a peer's schemas waits for those that are on their way.
const learnPatience = 2 * time.Second

// peerDescriptorSet answers what is known of a peer's schemas, all namespaces together.
func (d *Dispatcher) peerDescriptorSet(ctx context.Context, id, pageToken string) (*meshv1.GetDescriptorSetResponse, error) {
	peer, known, err := d.learned(ctx, id)
	if err != nil {
		return nil, err
	}
	var roots []protoreflect.FileDescriptor
	var refused error
	for _, namespace := range peer.Shared {
		p := known.of(id, namespace)
		for _, file := range p.files() {
			roots = append(roots, file.Descriptor)
		}
		if p != nil && p.err != nil {
			refused = connect.NewError(connect.CodeFailedPrecondition,
				"the schemas of collector "+refusal.Quoted(id)+" in namespace "+refusal.Quoted(namespace)+" are not shown: "+p.refusal())
		}
	}
	if len(roots) == 0 && refused != nil {
		return nil, refused
	}
	return descriptorSetResponse(descriptor.Closure(roots...), nil, pageToken, d.limits.descriptorPage())
}

// learned waits until the schemas that a peer has announced are known or refused.
func (d *Dispatcher) learned(ctx context.Context, id string) (*conn.Peer, *knownSchemas, error) {
	ctx, cancel := context.WithTimeout(ctx, learnPatience)
	defer cancel()
	for {
		known := d.schemas.known.Load()
		peer, ok := d.conns.Table().Peer(id)
		if !ok {
			return nil, nil, connect.NewError(connect.CodeNotFound,
				"collector "+refusal.Quoted(d.id)+" has no connection with a collector "+refusal.Quoted(id)+"; ListConnections names those it has")
		}
		if !keepsSchemas(peer) {
			return nil, nil, connect.NewError(connect.CodeUnavailable, "the schemas of collector "+refusal.Quoted(id)+
				" are not known: it speaks the seed's protocol, or its connection is over; its connection is "+conn.StateName(peer.State))
		}
		if known.complete(peer) {
			return peer, known, nil
		}
		select {
		case <-known.replaced:
		case <-ctx.Done():
			return nil, nil, connect.NewError(connect.CodeUnavailable,
				"the schemas of collector "+refusal.Quoted(id)+" are not known yet; its connection is "+conn.StateName(peer.State))
		}
	}
}

// complete reports whether all that a peer has announced is known or refused.
func (k *knownSchemas) complete(peer *conn.Peer) bool {
	if peer.Catalog == nil {
		return false
	}
	for _, namespace := range peer.Shared {
		hashes := peer.Catalog.Files(namespace)
		if p := k.of(peer.ID, namespace); len(hashes) > 0 && (p == nil || !sameHashes(p.hashes, hashes)) {
			return false
		}
	}
	return true
}
