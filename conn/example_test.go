package conn_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/carrier"
)

// Two collectors connect; each then finds the other in its table, and calls can go both ways over the one link.
func Example() {
	quiet := conn.WithLogger(slog.New(slog.DiscardHandler))

	west, err := conn.NewManager(conn.Self{ID: "west", Namespaces: []string{"orders", "stock"}}, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer west.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle(carrier.UpgradePath, west)
	server := &http.Server{Handler: mux}
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	defer server.Close()

	east, err := conn.NewManager(conn.Self{ID: "east", Namespaces: []string{"orders", "users"}}, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer east.Close()
	answer, err := east.ConnectTo(context.Background(), listener.Addr().String(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("connected to", answer.GetTargetCollectorId(), "sharing", answer.GetSharedNamespaces())
	for _, m := range []*conn.Manager{east, west} {
		for _, p := range m.Table().Peers() {
			fmt.Println("peer", p.ID, conn.StateName(p.State), "dialed:", p.Dialed)
		}
	}
	// Output:
	// connected to west sharing [orders]
	// peer west active dialed: true
	// peer east active dialed: false
}

// The connection of two collectors has one id, whoever asks.
func ExampleConnectionID() {
	fmt.Println(conn.ConnectionID("east", "west") == conn.ConnectionID("west", "east"))
	// Output: true
}

// Waiting for a change needs no polling: take the channel, look, then wait.
func ExampleManager_Changed() {
	waitFor := func(ctx context.Context, m *conn.Manager, peer string) error {
		for {
			changed := m.Changed()
			if p, ok := m.Table().Peer(peer); ok && p.Routable() {
				return nil
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	_ = waitFor
}
