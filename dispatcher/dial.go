package dispatcher

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/status"
)

// Client is a process that calls the mesh and hosts nothing. Its methods are safe for concurrent use.
type Client struct{ dispatcher *Dispatcher }

// Dial connects to the collector at address, host:port, for calls in namespaces. The connection comes back by itself
// when it is lost. Options are those of [New]; without [WithTLS] only loopback addresses are dialled. The process is
// known to the collector under a random id that begins with `client-`: where certificates prove ids, see
// [conn.WithIdentity], use [New] under the id of the certificate and [Dispatcher.ConnectTo] instead.
func Dial(ctx context.Context, address string, namespaces []string, opts ...Option) (*Client, error) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	d, err := New("client-"+hex.EncodeToString(random[:]), "", namespaces, opts...)
	if err != nil {
		return nil, err
	}
	res, err := d.ConnectTo(ctx, address, namespaces)
	if err == nil {
		err = status.Err(res.GetStatus())
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return &Client{dispatcher: d}, nil
}

// Transport is [Dispatcher.Transport]: pass it to connect.NewClient.
func (c *Client) Transport(namespace string) connect.Transport {
	return c.dispatcher.Transport(namespace)
}

// Close ends the connection. Calls in flight fail with unavailable.
func (c *Client) Close() error {
	return c.dispatcher.close()
}
