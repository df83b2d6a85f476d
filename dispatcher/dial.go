package dispatcher

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/status"
)

// Client is a process that calls the mesh and hosts nothing. Its methods are safe for concurrent use.
type Client struct{ dispatcher *Dispatcher }

// Dial connects to the collector at address, host:port, for calls in namespaces: its entrance to the mesh, which routes
// its calls as those of any client of its port, by the same rules, headers and limits. So they reach what the collector
// serves and what its peers do, unary calls get its default deadline, and why a call cannot be taken is its word; see
// [RouteInfoForContext] for where one went.
//
// The connection comes back by itself when it is lost; calls fail with unavailable meanwhile. A client is no peer: the
// collector shows it to nobody and keeps no record of it, nor does the client, whatever store it is given.
//
// Options are those of [New]; without [WithTLS] only loopback addresses are dialled. The process is known to the collector
// under a random id that begins with `client-`: where certificates prove ids, see [conn.WithIdentity], use [New] under the
// id of the certificate and [Dispatcher.ConnectTo] instead. A collector of an earlier version takes the client for a peer
// and runs only its own methods for it.
func Dial(ctx context.Context, address string, namespaces []string, opts ...Option) (*Client, error) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	asConsumer := optionFunc(func(o *options) { o.consumer = true })
	d, err := New("client-"+hex.EncodeToString(random[:]), "", namespaces, append(slices.Clone(opts), asConsumer)...)
	if err != nil {
		return nil, err
	}
	res, err := d.ConnectTo(ctx, address, namespaces)
	if err == nil {
		err = status.Err(res.GetStatus())
	}
	if err != nil {
		return nil, errors.Join(err, d.abandon())
	}
	return &Client{dispatcher: d}, nil
}

// Transport is [Dispatcher.Transport]: pass it to connect.NewClient.
func (c *Client) Transport(namespace string) connect.Transport {
	return c.dispatcher.Transport(namespace)
}

// Close ends the connection. Calls in flight fail with unavailable.
func (c *Client) Close() error {
	return c.dispatcher.abandon()
}
