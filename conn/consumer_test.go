package conn_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// startConsumer makes a manager that only calls. It says of itself what it serves, too, which nobody must believe.
func startConsumer(t testing.TB, id string) *node {
	t.Helper()
	m, err := conn.NewManager(conn.Self{ID: id, Namespaces: []string{"users"}, Consumer: true}, conn.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	m.Announce(echoCatalog([]string{"users"}))
	return &node{Manager: m, id: id, namespaces: []string{"users"}}
}

// startEntrance is start for a node that takes consumers, whose calls it answers as "entrance".
func startEntrance(t testing.TB, id string, opts ...conn.Option) *node {
	t.Helper()
	return start(t, id, []string{"users"}, append(opts, conn.WithConsumers(echoHandler("entrance of "+id)))...)
}

func wantNobody(t *testing.T, n *node) {
	t.Helper()
	if records, peers := n.ListConnections(), n.Table().Peers(); len(records) != 0 || len(peers) != 0 {
		t.Errorf("%s knows %v, %v", n.id, records, peers)
	}
}

// What a consumer says that it serves is believed by nobody. It is on no list, and may call what the entrance has not told.
func TestConsumer_IsNoPeer(t *testing.T) {
	t.Parallel()
	store := conn.NewMemoryStore()
	a, c := startEntrance(t, "a", conn.WithStore(store)), startConsumer(t, "c")
	for range 3 { // by hand once more is no harm
		answer := connectTo(t, c, a)
		if answer.GetConnectionId() != conn.ConnectionID("a", "c") || !slices.Equal(answer.GetSharedNamespaces(), []string{"users"}) {
			t.Errorf("agreed on %v", answer)
		}
	}
	p, ok := c.Table().Peer("a")
	if !ok || !p.Entrance || !p.Routable() {
		t.Fatalf("the entrance is %+v", p)
	}
	if got, err := ask(t.Context(), p, "users"); err != nil || got != "entrance of a/users: hello" {
		t.Errorf("asked: %q, %v", got, err)
	}
	if _, err := ask(t.Context(), p, "orders"); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("asked in a namespace that it did not ask for: %v", err)
	}
	a.Announce(echoCatalog([]string{"users"}))
	wantNobody(t, a)
	c.Close()
	wantNobody(t, a)
	if records, err := store.List(t.Context()); err != nil || len(records) != 0 {
		t.Errorf("stored are %v, %v", records, err)
	}
}

// Consumers may have any ids: they take nothing from each other, nor from the peer of that id.
func TestConsumer_UnderTheIDOfOthers(t *testing.T) {
	t.Parallel()
	a, b := startEntrance(t, "a"), start(t, "b", []string{"users"})
	connectTo(t, b, a)
	a.await(t, "what b serves", func(table *conn.Table) bool { return len(table.Serving("users", echoProcedure)) == 1 })
	before := sessionOf(t, a, "b")
	twins := []*node{startConsumer(t, "c"), startConsumer(t, "c"), startConsumer(t, "b")}
	for _, c := range twins {
		connectTo(t, c, a)
	}
	for _, c := range twins {
		p, _ := c.Table().Peer("a")
		if got, err := ask(t.Context(), p, "users"); err != nil || got != "entrance of a/users: hello" {
			t.Errorf("%s asked: %q, %v", c.id, got, err)
		}
	}
	if peers := a.Table().Peers(); len(peers) != 1 || sessionOf(t, a, "b") != before || peers[0].Conflict != "" {
		t.Errorf("a knows %+v", peers)
	}
	a.mustAsk(t, "users", "b/users: hello")
	b.mustAsk(t, "users", "a/users: hello")
	id := conn.ConnectionID("a", "b")
	if err := twins[2].Disconnect(t.Context(), id, "it was never its", false); err != nil { // its own one has that id
		t.Fatal(err)
	}
	a.mustAsk(t, "users", "b/users: hello")
	if p, _ := a.Table().Peer("b"); p.State != active {
		t.Errorf("the goodbye of a consumer has made b %s", conn.StateName(p.State))
	}
	if err := twins[0].Disconnect(t.Context(), conn.ConnectionID("a", "c"), "enough", false); err != nil {
		t.Fatal(err)
	}
	p, _ := twins[1].Table().Peer("a")
	if _, err := ask(t.Context(), p, "users"); err != nil {
		t.Errorf("one of the two after the other's goodbye: %v", err)
	}
}

// A link of a peer does not become that of a consumer, which could hide what it serves and keep its record.
func TestConsumer_OverTheLinkOfAPeer(t *testing.T) {
	t.Parallel()
	a := startEntrance(t, "a")
	b := start(t, "b", []string{"users"})
	connectTo(t, b, a)
	client, ok := b.GetClient(a.address)
	if !ok {
		t.Fatal("no client")
	}
	req := request("b", "users")
	req.Metadata["consumer"] = "true"
	answer, err := client.Connect(t.Context(), req)
	if err != nil || answer.GetStatus().GetCode() == 200 {
		t.Errorf("agreed: %v, %v", answer, err)
	}
	if p, ok := a.Table().Peer("b"); !ok || p.State != active {
		t.Errorf("the peer is %+v", p)
	}
}

// A collector of an earlier version does not know the word: the consumer is a peer there, as it was.
func TestConsumer_OfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	a, c := start(t, "a", []string{"users"}), startConsumer(t, "c")
	connectTo(t, c, a)
	if p, ok := c.Table().Peer("a"); !ok || p.Entrance || len(c.Table().Serving("users", echoProcedure)) != 1 {
		t.Errorf("the peer is %+v", p)
	}
	c.mustAsk(t, "users", "a/users: hello")
	if p, ok := a.Table().Peer("c"); !ok || p.State != active {
		t.Errorf("a knows %+v", p)
	}
}

// The link comes back by itself, and with it the right to call anything.
func TestConsumer_ComesBack(t *testing.T) {
	t.Parallel()
	a, c := startEntrance(t, "a"), startConsumer(t, "c")
	connectTo(t, c, a)
	a.stop()
	if p := c.awaitState(t, "a", stale); p.Routable() {
		t.Error("the entrance is routable without a link")
	}
	second := startAt(t, a.address, "a", []string{"users"}, conn.WithConsumers(echoHandler("second")))
	c.await(t, "the entrance", func(table *conn.Table) bool {
		p, _ := table.Peer("a")
		return p.Entrance && p.Routable()
	})
	p, _ := c.Table().Peer("a")
	if got, err := ask(t.Context(), p, "users"); err != nil || got != "second/users: hello" {
		t.Errorf("asked: %q, %v", got, err)
	}
	wantNobody(t, second)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := testingv1connect.NewEchoServiceClient(connect.NewClient(inNamespace{p, "users"})).Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	cancel()
	if err := second.Shutdown(t.Context()); err != nil { // it waits for no consumer that has no call
		t.Errorf("Shutdown: %v", err)
	}
	c.awaitState(t, "a", stale)
}

// Consumers are links like others, and bounded with them.
func TestConsumer_IsBounded(t *testing.T) {
	t.Parallel()
	a := startEntrance(t, "a", conn.WithLimits(conn.Limits{Links: 2}))
	connectTo(t, startConsumer(t, "c"), a)
	connectTo(t, startConsumer(t, "d"), a)
	if _, err := startConsumer(t, "e").ConnectTo(t.Context(), a.address, nil); err == nil {
		t.Error("three links where two are allowed")
	}
}
