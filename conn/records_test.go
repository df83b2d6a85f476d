package conn_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
)

func TestRestartOfTheInitiator(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	b := start(t, "b", []string{"orders", "users"})
	a, closeStore := startOn(t, path, "127.0.0.1:0", "a")
	answer, err := a.ConnectTo(t.Context(), b.address, []string{"users"})
	if err != nil {
		t.Fatal(err)
	}
	a.RecordRequest(t.Context(), answer.GetConnectionId(), 100, 200)
	a.stop()
	closeStore()
	if p := b.awaitState(t, "a", stale); p.Routable() || len(b.Table().Serving("users", echoProcedure)) != 0 {
		t.Error("a stale peer can be called")
	}

	a, _ = startOn(t, path, a.address, "a")
	if p, ok := a.Table().Peer("b"); !ok || p.State != stale || p.Reason == "" || p.Routable() {
		t.Fatalf("before the recovery: %+v", p)
	}
	if len(a.ListActiveConnections()) != 0 {
		t.Error("there are active connections before the recovery")
	}
	if _, err := ask(t.Context(), a.Table().Peers()[0], "users"); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("a call to a stale peer: %v", err)
	}
	if err := a.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := a.awaitState(t, "b", active)
	b.awaitState(t, "a", active)
	if len(p.Shared) != 1 || p.Shared[0] != "users" {
		t.Errorf("the redial widened the connection to %v", p.Shared)
	}
	for _, n := range []*node{a, b} {
		n.await(t, "the catalog", func(table *conn.Table) bool { return len(table.Serving("users", echoProcedure)) == 1 })
	}
	a.mustAsk(t, "users", "b/users: hello")
	b.mustAsk(t, "users", "a/users: hello")
	r := a.ListConnections()[0]
	if r.GetId() != answer.GetConnectionId() || r.GetRequestCount() != 2 || r.GetBytesSent() < 100 || r.GetBytesReceived() < 200 {
		t.Errorf("the record after the restart: %v", r)
	}
}

func TestRestartOfTheAcceptor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "b.db")
	a := start(t, "a", []string{"users"})
	b, closeStore := startOn(t, path, "127.0.0.1:0", "b")
	connectTo(t, a, b)
	b.stop()
	closeStore()
	p := a.awaitState(t, "b", stale)
	if p.Catalog == nil {
		t.Error("what the lost peer served is forgotten: routing cannot tell unknown from unreachable")
	}
	a.await(t, "a failed redial", func(table *conn.Table) bool {
		p, _ := table.Peer("b")
		return p.Reason != "" && p.State == stale
	})
	b, _ = startOn(t, path, b.address, "b")
	if err := b.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.awaitState(t, "b", active)
	b.awaitState(t, "a", active)
	a.await(t, "the catalog", func(table *conn.Table) bool { return len(table.Serving("users", echoProcedure)) == 1 })
	a.mustAsk(t, "users", "b/users: hello")
	b.await(t, "the catalog", func(table *conn.Table) bool { return len(table.Serving("users", echoProcedure)) == 1 })
	b.mustAsk(t, "users", "a/users: hello")
}

func TestDisconnectEndsTheRedial(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	id := connectTo(t, a, b).GetConnectionId()
	b.stop()
	a.awaitState(t, "b", stale)
	if err := a.Disconnect(t.Context(), id, "it is gone", false); err != nil {
		t.Fatal(err)
	}
	b = startAt(t, b.address, "b", []string{"users"})
	if p, _ := a.Table().Peer("b"); p.State != closed || p.Reason != "it is gone" {
		t.Errorf("b is %s: %s", conn.StateName(p.State), p.Reason)
	}
	if n := len(b.ListConnections()); n != 0 {
		t.Errorf("b has %d connections: somebody dialled", n)
	}
	connectTo(t, a, b) // by hand it opens again
	a.mustAsk(t, "users", "b/users: hello")
}

// TestRedialDoesNotReviveWhatTheOtherSideClosed: b disconnects while a is away; a, coming back, learns it.
func TestRedialDoesNotReviveWhatTheOtherSideClosed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	b := start(t, "b", []string{"users"})
	a, closeStore := startOn(t, path, "127.0.0.1:0", "a")
	id := connectTo(t, a, b).GetConnectionId()
	a.stop()
	closeStore()
	b.awaitState(t, "a", stale)
	if err := b.Disconnect(t.Context(), id, "a is not wanted", false); err != nil {
		t.Fatal(err)
	}
	a, _ = startOn(t, path, a.address, "a")
	if err := a.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := a.awaitState(t, "b", closed); p.Reason == "" {
		t.Error("a does not say why")
	}
	if p, _ := b.Table().Peer("a"); p.State != closed || p.Reason != "a is not wanted" {
		t.Errorf("b's side is %s: %s", conn.StateName(p.State), p.Reason)
	}
	connectTo(t, a, b) // by hand it opens again
	a.mustAsk(t, "users", "b/users: hello")
	b.mustAsk(t, "users", "a/users: hello")
}

func TestRedialDoesNotTakeAnotherCollector(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	connectTo(t, a, b)
	b.stop()
	c := startAt(t, b.address, "c", []string{"users"})
	a.await(t, "b is missed", func(table *conn.Table) bool {
		p, _ := table.Peer("b")
		return p.State == stale && contains([]string{
			`the peer closed the link; dialling again: collector "c" answers at ` + b.address + `, not "b": connect to the address that "b" has now`,
		}, p.Reason)
	})
	if _, ok := a.Table().Peer("c"); ok || len(c.ListConnections()) != 0 {
		t.Error("a connected to c, which nobody asked for")
	}
}

// TestStateIsOnDiskBeforeItIsAcknowledged lets the store refuse: nothing may change then.
func TestStateIsOnDiskBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"initiator", "acceptor"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			disk := &fullDisk{Store: conn.NewMemoryStore()}
			options := map[string][]conn.Option{who: {conn.WithStore(disk)}}
			a := start(t, "a", []string{"users"}, options["initiator"]...)
			b := start(t, "b", []string{"users"}, options["acceptor"]...)
			disk.full.Store(true)
			if _, err := a.ConnectTo(t.Context(), b.address, nil); connect.CodeOf(err) != connect.CodeUnavailable {
				t.Errorf("ConnectTo with a full disk: %v", err)
			}
			full := map[string]*node{"initiator": a, "acceptor": b}[who]
			if n := len(full.ListConnections()); n != 0 || len(full.Table().Peers()) != 0 {
				t.Errorf("%d connections although none could be written", n)
			}
			disk.full.Store(false)
			id := connectTo(t, a, b).GetConnectionId()
			disk.full.Store(true)
			if err := full.Disconnect(t.Context(), id, "", false); connect.CodeOf(err) != connect.CodeUnavailable {
				t.Errorf("Disconnect with a full disk: %v", err)
			}
			if p := full.Table().Peers()[0]; p.State != active {
				t.Errorf("the peer is %s although that could not be written", conn.StateName(p.State))
			}
			a.mustAsk(t, "users", "b/users: hello") // calls go on
			disk.full.Store(false)
		})
	}
}

// A disk that is full at the moment of an agreement costs the pair that moment: the agreement is undone at both ends, and tried
// again until it can be written. Nobody is disconnected.
func TestAFullDiskAtAnAgreementDisconnectsNobody(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"initiator", "acceptor"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			disk := &fullDisk{Store: conn.NewMemoryStore()}
			options := map[string][]conn.Option{"acceptor": {conn.WithKey(newKey(t))}} // it starts twice
			options[who] = append(options[who], conn.WithStore(disk))
			a := start(t, "a", []string{"users"}, options["initiator"]...)
			b := start(t, "b", []string{"users"}, options["acceptor"]...)
			connectTo(t, a, b)
			b.stop()
			disk.full.Store(true)
			b = startAt(t, b.address, "b", []string{"users"}, options["acceptor"]...)
			if who == "initiator" {
				b.await(t, "an agreement that is undone", func(table *conn.Table) bool {
					p, ok := table.Peer("a")
					return ok && p.State == stale // which it knew nothing of when it started
				})
			}
			a.await(t, "an agreement that fails", func(table *conn.Table) bool {
				p, ok := table.Peer("b")
				return ok && p.State == stale && strings.Contains(p.Reason, "could not be written to the store")
			})
			disk.full.Store(false)
			a.awaitState(t, "b", active)
			b.awaitState(t, "a", active)
			a.await(t, "what b serves", func(table *conn.Table) bool { return len(table.Serving("users", echoProcedure)) == 1 })
			a.mustAsk(t, "users", "b/users: hello")
		})
	}
}

func TestStaleRecordsOfLongAgoAreForgotten(t *testing.T) {
	t.Parallel()
	store := conn.NewMemoryStore()
	old, young := time.Now().Add(-25*time.Hour), time.Now().Add(-23*time.Hour)
	put := func(peer string, state collector.ConnectionState, dialed bool, at time.Time) {
		t.Helper()
		err := store.Put(context.Background(), &collector.Connection{
			Id: conn.ConnectionID("a", peer), SourceCollectorId: "a", TargetCollectorId: peer, Address: "127.0.0.1:1",
			State: state, IsInitiator: dialed, StateChangedAt: timestamppb.New(at),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("old-inbound", stale, false, old)
	put("old-closed", closed, true, old)
	put("old-failed", failed, true, old)
	put("old-dialed", stale, true, old)
	put("young-inbound", stale, false, young)
	put("young-closed", closed, false, young)
	put("was-active", active, false, old) // its end is now
	put("a.b", active, true, young)
	a := start(t, "a", nil, conn.WithStore(store))
	if err := a.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]collector.ConnectionState{
		"old-dialed": stale, "young-inbound": stale, "young-closed": closed, "was-active": stale, "a.b": stale,
	}
	for _, p := range a.Table().Peers() {
		if p.State != want[p.ID] {
			t.Errorf("%s is %s", p.ID, conn.StateName(p.State))
		}
		delete(want, p.ID)
	}
	for peer := range want {
		t.Errorf("%s was forgotten", peer)
	}
	records, err := store.List(t.Context())
	if err != nil || len(records) != 5 {
		t.Errorf("the store has %d records, %v", len(records), err)
	}
	for _, r := range records {
		if r.GetState() == active {
			t.Errorf("the store still calls %s active", r.GetTargetCollectorId())
		}
	}
}

func TestRecordsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	store := conn.NewMemoryStore()
	for _, r := range []*collector.Connection{
		{Id: conn.ConnectionID("x", "y"), SourceCollectorId: "x", TargetCollectorId: "y", State: active},
		{Id: "c-000000000000", SourceCollectorId: "a", TargetCollectorId: "b", State: active},
		{Id: conn.ConnectionID("a", "a"), SourceCollectorId: "a", TargetCollectorId: "a", State: active},
	} {
		if err := store.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	a := start(t, "a", nil, conn.WithStore(store))
	if err := a.RecoverFromRestart(t.Context()); err != nil || len(a.ListConnections()) != 0 {
		t.Errorf("%v, %v", a.ListConnections(), err)
	}
}
