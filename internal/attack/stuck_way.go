package main

import (
	"context"
	"net"
)

// stuckWay is a way to stop in the middle of a request.
type stuckWay struct {
	name string
	// protocol is that of TLS; empty where TLS is not to be begun.
	protocol string
	// stop sends a part of a request and returns when nothing more will come.
	stop func(ctx context.Context, c net.Conn) error
}

// dial opens the connection that is to be stuck.
func (w stuckWay) dial(ctx context.Context, t *Target) (net.Conn, error) {
	if w.protocol == "" {
		return new(net.Dialer).DialContext(ctx, "tcp", t.Address)
	}
	return t.dial(ctx, w.protocol)
}

// named is the name of a part of a figure, which says whether the target has TLS.
func (t *Target) named(name string) string {
	if t.tls == nil {
		return name
	}
	return "tls_" + name
}

// named gives ways their names, and the protocol that those of TLS begin with.
func named(protocol, prefix string, ways map[string]stuckWay) (all []stuckWay) {
	for name, way := range ways {
		way.name, way.protocol = prefix+name, protocol
		all = append(all, way)
	}
	return all
}
