package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"

	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/apikey"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
)

// The mesh as one has it on a network: both collectors prove that they know the secret of the mesh, a policy file says who may call
// what, and the caller has a name, which crosses the link and is judged at both ends.
var (
	trustedTransport      = contender{"trusted", startTrusted}        // a client in A's process that calls for a caller
	trustedConnectIngress = contender{"trusted", startTrustedConnect} // a Connect client of A's port with an API key
)

// benchPolicy lets the caller call this namespace, and is no shorter than one would write it.
const benchPolicy = `
@id("collectors")
permit (principal is Collector, action in [Action::"serve", Action::"call", Action::"describe"], resource);

@id("bench-callers")
permit (principal in Group::"callers", action in [Action::"call", Action::"describe"], resource in Namespace::"` + namespace + `");

@id("nobody-from-far-away")
forbid (principal, action == Action::"call", resource) when { context.network == "nowhere" };
`

const keyHeader = "X-Api-Key"

func startTrusted(ctx context.Context, l load) (*bed, error) {
	return withTrustedMesh(ctx, l, func(b *bed, c collectors, _ string) error {
		who, err := access.NewPrincipal(access.KindUser, "key:bench", "callers")
		if err != nil {
			return err
		}
		caller := access.NewCaller(who, access.Origin{Network: access.NetworkLoopback})
		call := connectOperation(c.a.Transport(namespace), l)
		b.op = func(ctx context.Context) (yield, error) { return call(access.WithCaller(ctx, caller)) }
		return nil
	})
}

func startTrustedConnect(ctx context.Context, l load) (*bed, error) {
	return withTrustedMesh(ctx, l, func(b *bed, c collectors, key string) error {
		client := b.h2cClient()
		client.Transport = withKey{client.Transport, key}
		b.op = connectOperation(connecthttp.NewTransport(client, "http://"+c.address), l)
		return nil
	})
}

// withKey shows an API key with each request.
type withKey struct {
	http.RoundTripper
	key string
}

func (t withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set(keyHeader, t.key)
	return t.RoundTripper.RoundTrip(r)
}

// withTrustedMesh is withMesh with all that trust takes; key is that of the caller.
func withTrustedMesh(ctx context.Context, l load, aim func(b *bed, c collectors, key string) error) (*bed, error) {
	b := &bed{}
	options, key, err := b.trust()
	var c collectors
	if err == nil {
		c, err = b.startCollectors(ctx, l.tls, options...)
	}
	if err == nil {
		err = aim(b, c, key)
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// trust writes the files of a guard, and makes what both collectors are given.
func (b *bed) trust() (options []dispatcher.Option, key string, err error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, "", err
	}
	b.onClose(func() error { return os.RemoveAll(dir) })
	policy, keys := filepath.Join(dir, "policy.cedar"), filepath.Join(dir, "keys")
	if err := os.WriteFile(policy, []byte(benchPolicy), 0o600); err != nil {
		return nil, "", err
	}
	secret, err := apikey.Add(keys, apikey.Record{Name: "bench", Kind: access.KindUser, Groups: []string{"callers"}})
	if err != nil {
		return nil, "", err
	}
	authenticator, err := apikey.Open(keys)
	if err != nil {
		return nil, "", err
	}
	guard, err := access.New(access.WithPolicyFile(policy), access.WithAuthenticator(authenticator))
	if err != nil {
		return nil, "", err
	}
	b.onClose(guard.Close)
	shared := [][]byte{bytes.Repeat([]byte("0123456789abcdef"), 2)}
	proofs := dispatcher.WithConn(conn.WithMeshSecret(func() [][]byte { return shared }))
	return []dispatcher.Option{dispatcher.WithAccess(guard), proofs}, secret.Reveal(), nil
}
