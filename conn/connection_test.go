package conn_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
)

// The groups are the seed's.

func TestConnection_Basic(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	answer := connectTo(t, a, b)
	if answer.GetStatus().GetCode() != 200 || answer.GetTargetCollectorId() != "b" || answer.GetConnectionId() != conn.ConnectionID("b", "a") {
		t.Errorf("ConnectTo answered %v", answer)
	}
	for _, side := range []struct {
		n         *node
		peer      *node
		initiator bool
	}{{a, b, true}, {b, a, false}} {
		list := side.n.ListConnections()
		if len(list) != 1 {
			t.Fatalf("%s lists %d connections", side.n.id, len(list))
		}
		r := list[0]
		if r.GetId() != answer.GetConnectionId() || r.GetSourceCollectorId() != "a" || r.GetTargetCollectorId() != "b" ||
			r.GetAddress() != side.peer.address || r.GetState() != active || r.GetIsInitiator() != side.initiator {
			t.Errorf("%s has the record %v", side.n.id, r)
		}
		up, ok := side.n.GetActiveConnection(r.GetId())
		if !ok || up.IsInitiator != side.initiator || up.Peer.ID != side.peer.id || len(side.n.ListActiveConnections()) != 1 {
			t.Errorf("%s has the active connection %+v", side.n.id, up)
		}
		if _, ok := side.n.GetClient(side.peer.address); !ok {
			t.Errorf("%s has no client for %s", side.n.id, side.peer.address)
		}
	}
	if _, ok := a.GetClient("127.0.0.1:1"); ok {
		t.Error("there is a client for an address nobody has")
	}
	if _, ok := a.GetActiveConnection("c-000000000000"); ok {
		t.Error("there is an active connection of an unknown id")
	}
}

func TestConnection_Bidirectional(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	connectTo(t, a, b)
	// Both ways at once and at once: ConnectTo returns when both know both catalogs.
	a.mustAsk(t, "users", "b/users: hello")
	b.mustAsk(t, "users", "a/users: hello")
	for _, n := range []*node{a, b} {
		r := n.ListConnections()[0]
		if r.GetRequestCount() != 1 || r.GetBytesSent() == 0 || r.GetBytesReceived() == 0 {
			t.Errorf("%s counted of what arrived: %d calls, %d and %d bytes", n.id, r.GetRequestCount(), r.GetBytesSent(), r.GetBytesReceived())
		}
		n.RecordRequest(t.Context(), r.GetId(), 10, 20)
		if again := n.ListConnections()[0]; again.GetRequestCount() != 2 || again.GetBytesSent() != r.GetBytesSent()+10 ||
			again.GetBytesReceived() != r.GetBytesReceived()+20 {
			t.Errorf("RecordRequest was not counted: %v", again)
		}
	}
}

func TestConnection_Multiple(t *testing.T) {
	t.Parallel()
	hub := start(t, "hub", []string{"users", "orders"})
	for i := range 5 {
		connectTo(t, hub, start(t, fmt.Sprintf("out-%d", i), []string{"users"}))
		connectTo(t, start(t, fmt.Sprintf("in-%d", i), []string{"orders"}), hub)
	}
	var ids []string
	for _, c := range hub.ListActiveConnections() {
		ids = append(ids, c.Peer.ID)
	}
	want := []string{"in-0", "in-1", "in-2", "in-3", "in-4", "out-0", "out-1", "out-2", "out-3", "out-4"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	for _, p := range hub.Table().Serving("orders", echoProcedure) {
		if got, err := ask(t.Context(), p, "orders"); err != nil || got != p.ID+"/orders: hello" {
			t.Errorf("%s answered %q, %v", p.ID, got, err)
		}
	}
}

func TestConnection_SharedNamespaces(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                string
		a, offered, b, want []string
	}{
		{"the seed's example", []string{"orders", "products", "users"}, nil, []string{"inventory", "orders", "products"}, []string{"orders", "products"}},
		{"nothing in common", []string{"users"}, nil, []string{"orders"}, nil},
		{"offered fewer than it has", []string{"orders", "users"}, []string{"users"}, []string{"orders", "users"}, []string{"users"}},
		{"offered twice", nil, []string{"users", "users"}, []string{"users"}, []string{"users"}},
		{"a collector that only calls", nil, []string{"orders"}, []string{"orders"}, []string{"orders"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := start(t, "a", tt.a), start(t, "b", tt.b)
			answer, err := a.ConnectTo(t.Context(), b.address, tt.offered)
			if err != nil {
				t.Fatal(err)
			}
			pa, _ := a.Table().Peer("b")
			pb, _ := b.Table().Peer("a")
			for where, got := range map[string][]string{"answer": answer.GetSharedNamespaces(), "a": pa.Shared, "b": pb.Shared} {
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s: %s", where, diff)
				}
			}
			mayCross(t, pa, tt.want, "inventory", "orders", "products", "users")
			mayCross(t, pb, tt.want, "inventory", "orders", "products", "users")
		})
	}
}

// mayCross checks that calls reach a peer in the shared namespaces and in no others, and that its catalog tells of no
// others.
func mayCross(t *testing.T, p *conn.Peer, shared []string, all ...string) {
	t.Helper()
	for _, namespace := range all {
		_, err := ask(t.Context(), p, namespace)
		if want := contains(shared, namespace); (err == nil) != want || !want && connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("a call to %s in %s: %v", p.ID, namespace, err)
		}
		for procedure := range p.Catalog.In(namespace) {
			if !contains(shared, namespace) {
				t.Errorf("%s told of %s in %s, which is not shared", p.ID, procedure, namespace)
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// TestConnection_RealNetwork goes through TLS on sockets, as collectors on two machines do.
func TestConnection_RealNetwork(t *testing.T) {
	t.Parallel()
	logger := conn.WithLogger(slog.New(slog.DiscardHandler))
	b, err := conn.NewManager(conn.Self{ID: "b", Namespaces: []string{"users"}}, logger, conn.WithLinkHandler(echoHandler("b")))
	if err != nil {
		t.Fatal(err)
	}
	b.Announce(echoCatalog([]string{"users"}))
	server := httptest.NewUnstartedServer(http.HandlerFunc(b.ServeHTTP))
	server.EnableHTTP2 = true
	server.StartTLS()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	a := start(t, "a", []string{"users"}, conn.WithTLS(&tls.Config{RootCAs: roots}))
	t.Cleanup(func() {
		b.Close()
		server.Close()
	})
	if _, err := a.ConnectTo(t.Context(), server.Listener.Addr().String(), nil); err != nil {
		t.Fatal(err)
	}
	a.mustAsk(t, "users", "b/users: hello")
	(&node{Manager: b, id: "b"}).mustAsk(t, "users", "a/users: hello")

	plain := start(t, "plain", []string{"users"})
	if _, err := plain.ConnectTo(t.Context(), server.Listener.Addr().String(), nil); err == nil {
		t.Error("a collector without TLS connected to one with TLS")
	}
	stranger := start(t, "stranger", []string{"users"}, conn.WithTLS(&tls.Config{}))
	if _, err := stranger.ConnectTo(t.Context(), server.Listener.Addr().String(), nil); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("a certificate of an unknown authority: %v", err)
	}
}

func TestConnectToTheSamePeerAgain(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"orders", "users"}), start(t, "b", []string{"orders", "users"})
	first := connectTo(t, a, b)
	_, port, _ := net.SplitHostPort(b.address)
	for _, again := range []struct {
		from       *node
		to         string
		namespaces []string
		want       []string
	}{
		{a, b.address, nil, []string{"orders", "users"}},
		{a, b.address, []string{"users"}, []string{"users"}}, // narrower
		{a, "localhost:" + port, nil, []string{"orders", "users"}},
		{b, a.address, nil, []string{"orders", "users"}}, // the other way
	} {
		answer, err := again.from.ConnectTo(t.Context(), again.to, again.namespaces)
		if err != nil {
			t.Fatal(err)
		}
		if answer.GetConnectionId() != first.GetConnectionId() || cmp.Diff(again.want, answer.GetSharedNamespaces()) != "" {
			t.Errorf("%s to %s %v: %v", again.from.id, again.to, again.namespaces, answer)
		}
		for _, n := range []*node{a, b} {
			if len(n.ListConnections()) != 1 || len(n.Table().Peers()) != 1 {
				t.Fatalf("%s has %d connections", n.id, len(n.ListConnections()))
			}
		}
		n := again.from
		other := map[*node]*node{a: b, b: a}[n]
		if p, _ := other.Table().Peer(n.id); cmp.Diff(again.want, p.Shared) != "" {
			t.Errorf("%s shares %v", other.id, p.Shared)
		}
		n.mustAsk(t, again.want[0], other.id+"/"+again.want[0]+": hello")
		other.mustAsk(t, again.want[0], n.id+"/"+again.want[0]+": hello")
	}
	if r := b.ListConnections()[0]; !r.GetIsInitiator() {
		t.Error("b asked for the connection too, but does not remember")
	}
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	for _, n := range []*node{a, b} { // either side may
		id := connectTo(t, a, b).GetConnectionId()
		other := map[*node]*node{a: b, b: a}[n]
		if err := n.Disconnect(t.Context(), id, "maintenance", false); err != nil {
			t.Fatal(err)
		}
		mine, _ := n.Table().Peer(other.id)
		theirs, _ := other.Table().Peer(n.id)
		if mine.State != closed || mine.Reason != "maintenance" || theirs.State != closed || theirs.Reason != "disconnected by "+n.id+": maintenance" {
			t.Errorf("after %s disconnected: %s %q and %s %q", n.id, conn.StateName(mine.State), mine.Reason, conn.StateName(theirs.State), theirs.Reason)
		}
		if _, err := ask(t.Context(), mine, "users"); connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("a call over a closed connection: %v", err)
		}
		if err := n.Disconnect(t.Context(), id, "again", false); err != nil {
			t.Errorf("disconnecting twice: %v", err)
		}
	}
	if err := a.Disconnect(t.Context(), "c-000000000000", "", false); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("an unknown connection: %v", err)
	}
	id := connectTo(t, a, b).GetConnectionId()
	if err := a.Disconnect(t.Context(), id, "certificate revoked", true); err != nil {
		t.Fatal(err)
	}
	if p, _ := a.Table().Peer("b"); p.State != failed || p.Reason != "certificate revoked" {
		t.Errorf("disconnected as failed: %s %q", conn.StateName(p.State), p.Reason)
	}
}

func TestStoppedManagerRefuses(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	id := connectTo(t, a, b).GetConnectionId()
	if err := a.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Close()    // once more is no error
	a.CloseAll() // and this does not bring it back
	_, err := a.ConnectTo(t.Context(), b.address, nil)
	if connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("ConnectTo: %v", err)
	}
	if err := a.Disconnect(t.Context(), id, "", false); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("Disconnect: %v", err)
	}
	if err := a.RecoverFromRestart(t.Context()); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("RecoverFromRestart: %v", err)
	}
	answer, err := a.HandleConnect(context.Background(), &collector.ConnectRequest{})
	if err != nil || answer.GetStatus().GetCode() != 503 || answer.GetStatus().GetDetails()[status.CodeKey] != "unavailable" {
		t.Errorf("HandleConnect: %v, %v", answer, err)
	}
	if p := b.awaitState(t, "a", closed); p.Reason == "" { // by its goodbye
		t.Error("b does not know why a is gone")
	}
	if p, _ := a.Table().Peer("b"); p.State != stale {
		t.Errorf("a's side is %s", conn.StateName(p.State))
	}
}
