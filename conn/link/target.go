package link

import (
	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// target is a name as the serving end knows it, with what each of its calls needs.
type target struct {
	frame.Name
	spec  connect.Spec
	info  ServerInfo
	codec codec
}

func (l *Link) newTarget(name frame.Name) *target {
	return &target{
		Name:  name,
		spec:  connect.Spec{Procedure: name.Procedure, StreamType: name.Kind, IdempotencyLevel: name.Idempotency},
		info:  ServerInfo{Namespace: name.Namespace, Link: l},
		codec: codecByName(name.Codec),
	}
}
