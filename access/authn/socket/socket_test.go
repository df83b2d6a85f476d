//go:build linux || darwin

package socket_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/socket"
	"github.com/collectiverpc/collective/mesh"
)

func ExampleNew() {
	operators, err := socket.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	peer := &access.SocketPeer{UID: uint32(os.Geteuid())}
	p, err := operators.Authenticate(context.Background(), &access.Credentials{Socket: peer})
	fmt.Println(p.Kind, p.Groups, err)
	// Output:
	// User [operators] <nil>
}

// connected is the accepting end of a connection of this process with itself.
func connected(t *testing.T, network, address string) net.Conn {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	dialled, err := new(net.Dialer).DialContext(t.Context(), network, listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dialled.Close() })
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	return accepted
}

func TestPeer_IsTheProcessThatConnected(t *testing.T) {
	t.Parallel()
	peer, err := socket.Peer(connected(t, "unix", filepath.Join(t.TempDir(), "s")))
	if err != nil {
		t.Fatal(err)
	}
	if peer.UID != uint32(os.Geteuid()) || peer.GID != uint32(os.Getegid()) || peer.PID != int32(os.Getpid()) {
		t.Errorf("the peer is %+v, want uid %d, gid %d, pid %d", peer, os.Geteuid(), os.Getegid(), os.Getpid())
	}
}

func TestPeer_IsUnknownOverTheNetwork(t *testing.T) {
	t.Parallel()
	if peer, err := socket.Peer(connected(t, "tcp", "127.0.0.1:0")); !errors.Is(err, socket.ErrUnknown) {
		t.Errorf("of TCP: %+v, %v, want ErrUnknown", peer, err)
	}
	a, b := net.Pipe()
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	if peer, err := socket.Peer(a); !errors.Is(err, socket.ErrUnknown) {
		t.Errorf("of a pipe: %+v, %v, want ErrUnknown", peer, err)
	}
}

func TestAuthenticate_RefusesOtherUsers(t *testing.T) {
	t.Parallel()
	a, err := socket.New()
	if err != nil {
		t.Fatal(err)
	}
	root, err := a.Authenticate(t.Context(), &access.Credentials{Socket: &access.SocketPeer{UID: 0}})
	if err != nil || root.ID != "uid:root" || !root.In(access.GroupOperators) {
		t.Errorf("root is %v, %v, want an operator", root, err)
	}
	other, err := a.Authenticate(t.Context(), &access.Credentials{Socket: &access.SocketPeer{UID: 4242}, Authorization: "Bearer secret"})
	if other != nil || connect.CodeOf(err) != connect.CodeUnauthenticated || mesh.ReasonOf(err) != mesh.ReasonSocketIdentity {
		t.Errorf("another user is %v, %v, want socket_identity", other, err)
	}
	if err != nil && (!strings.Contains(err.Error(), "you are uid 4242") || strings.Contains(err.Error(), "secret")) {
		t.Errorf("%v: want it to say who asks, and no secret", err)
	}
	if p, err := a.Authenticate(t.Context(), &access.Credentials{}); p != nil || err != nil {
		t.Errorf("without a socket: %v, %v, want nobody", p, err)
	}
}
