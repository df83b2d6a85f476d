package conn_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

const procedure = "/shop.v1.Orders/Create"

func catalog(revision uint64, methods ...string) *meshv1.Catalog {
	c := &meshv1.Catalog{Revision: revision}
	for _, namespace := range methods {
		c.Methods = append(c.Methods, &meshv1.CatalogMethod{Namespace: namespace, Procedure: procedure, InputType: "x.Y", Fingerprint: 7})
	}
	return c
}

// served are the namespaces in which a peer serves the procedure.
func served(table *conn.Table) (namespaces []string) {
	for _, namespace := range []string{"asia", "eu", "us"} {
		if len(table.Serving(namespace, procedure)) > 0 {
			namespaces = append(namespaces, namespace)
		}
	}
	return namespaces
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"eu", "us"}), start(t, "b", []string{"asia", "eu", "us"})
	b.Announce(catalog(5, "asia", "eu"))
	connectTo(t, a, b)
	if got := served(a.Table()); !slices.Equal(got, []string{"eu"}) {
		t.Fatalf("after ConnectTo a knows b to serve in %v, want what is shared", got)
	}
	p, _ := a.Table().Peer("b")
	if m, ok := p.Method("eu", procedure); !ok || m.GetInputType() != "x.Y" || m.GetFingerprint() != 7 {
		t.Errorf("the entry is %v", m)
	}
	if _, ok := p.Method("asia", procedure); ok {
		t.Error("b told of a namespace that is not shared")
	}
	steps := []struct {
		name     string
		announce *meshv1.Catalog
		want     []string
	}{
		{"more", catalog(6, "eu", "us"), []string{"eu", "us"}},
		{"withdrawn", catalog(7, "us"), []string{"us"}},
		{"nothing", catalog(8), nil},
		{"without a number", catalog(0, "eu"), []string{"eu"}},
	}
	for _, s := range steps {
		b.Announce(s.announce)
		a.await(t, s.name, func(table *conn.Table) bool { return slices.Equal(served(table), s.want) })
	}
	b.Announce(catalog(9, "us"))
	b.Announce(catalog(8, "eu"))                                                                                    // late
	b.Announce(&meshv1.Catalog{Revision: 10, Methods: []*meshv1.CatalogMethod{{Namespace: "E U", Procedure: "x"}}}) // wrong
	a.await(t, "the last good one", func(table *conn.Table) bool { return slices.Equal(served(table), []string{"us"}) })
	if _, err := a.ConnectTo(t.Context(), b.address, []string{"eu"}); err != nil {
		t.Fatal(err)
	}
	b.Announce(catalog(11, "eu", "us"))
	a.await(t, "only what is still shared", func(table *conn.Table) bool { return slices.Equal(served(table), []string{"eu"}) })
}

func TestWrongCatalogIsRefusedAndTheOldOneStays(t *testing.T) {
	t.Parallel()
	log := make(logged, 100)
	b := start(t, "b", []string{"eu"}, conn.WithLogger(slog.New(log)))
	l, taken := announcer(t, b, nil, "a")
	peer := collectorconnect.NewCollectiveDispatcherClient(ownServices(l))
	if answer, err := peer.Connect(t.Context(), request("a", "eu")); err != nil || answer.GetStatus().GetCode() != 200 {
		t.Fatal(answer, err)
	}
	announce := func(revision uint64, data []byte, holds bool) {
		t.Helper()
		if err := l.Announce(revision, data); err != nil {
			t.Fatal(err)
		}
		if got := <-taken; got != holds {
			t.Errorf("catalog %d is held: %v, want %v", revision, got, holds)
		}
	}
	encode := func(c *meshv1.Catalog) []byte {
		t.Helper()
		data, err := proto.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	inUse := func(table *conn.Table) *conn.Catalog {
		p, ok := table.Peer("a")
		if !ok {
			return nil
		}
		return p.Catalog
	}
	announce(1, encode(catalog(1, "eu")), true)
	b.await(t, "the first catalog", func(table *conn.Table) bool { return inUse(table) != nil })
	first := inUse(b.Table())
	for i, wrong := range [][]byte{
		[]byte("garbage"),
		encode(&meshv1.Catalog{Revision: 3, Methods: []*meshv1.CatalogMethod{{Namespace: "../eu", Procedure: procedure}}}),
		encode(catalog(4, "eu", "eu")),
	} {
		announce(uint64(2+i), wrong, false)
		log.await("catalog refused, the last one stays in use")
		if got := served(b.Table()); !slices.Equal(got, []string{"eu"}) || inUse(b.Table()) != first {
			t.Errorf("after wrong catalog %d a serves in %v", i, got)
		}
	}
	announce(5, encode(catalog(5, "eu", "us")), true) // more than is shared
	b.await(t, "the next good catalog", func(table *conn.Table) bool { return inUse(table) != first })
	if got := served(b.Table()); !slices.Equal(got, []string{"eu"}) {
		t.Errorf("a serves in %v", got)
	}
	if err := l.Err(); err != nil {
		t.Errorf("the link ended: %v", err)
	}
}

// logged is a slog.Handler whose records a test can wait for.
type logged chan string

func (logged) Enabled(context.Context, slog.Level) bool { return true }

func (l logged) Handle(_ context.Context, r slog.Record) error {
	l <- r.Message
	return nil
}

func (l logged) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l logged) WithGroup(string) slog.Handler { return l }

func (l logged) await(message string) {
	for <-l != message {
	}
}

// TestShutdownLetsCallsFinish stops a collector with a call running on it in each direction.
func TestShutdownLetsCallsFinish(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	slow := func(id string) conn.Option { return conn.WithLinkHandler(slowHandler(id, entered, leave)) }
	a, b := start(t, "a", []string{"eu"}, slow("a")), start(t, "b", []string{"eu"}, slow("b"))
	connectTo(t, a, b)
	results := make(chan error, 2)
	for _, n := range []*node{a, b} {
		p := n.Table().Serving("eu", echoProcedure)[0]
		go func() {
			_, err := ask(t.Context(), p, "eu")
			results <- err
		}()
	}
	<-entered
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- b.Shutdown(t.Context()) }()
	a.await(t, "b serves nothing any more", func(table *conn.Table) bool { return len(table.Serving("eu", echoProcedure)) == 0 })
	close(leave)
	for range 2 {
		if err := <-results; err != nil {
			t.Errorf("a running call failed: %v", err)
		}
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	a.awaitState(t, "b", stale)
}

// slowHandler serves Echo once it may leave.
func slowHandler(id string, entered chan<- struct{}, leave <-chan struct{}) link.Handler {
	quick := echoHandler(id)
	return func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
		entered <- struct{}{}
		<-leave
		return quick(ctx, procedure, info, stream)
	}
}
