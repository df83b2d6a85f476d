package conn_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
)

// deadStore has dead connections of peer-0, peer-1, …, each of which ended an hour before the one before, and some that are
// not over.
func deadStore(t testing.TB, store conn.Store, dead int) conn.Store {
	t.Helper()
	put := func(peer string, state collector.ConnectionState, dialed bool, age time.Duration) {
		t.Helper()
		err := store.Put(t.Context(), &collector.Connection{
			Id: conn.ConnectionID("a", peer), SourceCollectorId: peer, TargetCollectorId: "a", Address: "127.0.0.1:1",
			State: state, IsInitiator: dialed, StateChangedAt: timestamppb.New(time.Now().Add(-age)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("dialled", stale, true, 1000*time.Hour)
	for i := range dead {
		state := []collector.ConnectionState{closed, failed, stale}[i%3]
		put(fmt.Sprintf("peer-%d", i), state, false, time.Duration(i)*time.Hour+time.Minute)
	}
	return store
}

func peersOf(records []*collector.Connection) string {
	var peers []string
	for _, r := range records {
		peers = append(peers, strings.TrimPrefix(r.GetSourceCollectorId(), "peer-"))
	}
	return strings.Join(peers, " ")
}

// Prune keeps what is not over, what is too young, and the newest.
func TestPrune(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		older      time.Duration
		keep       int
		gone, left string // the last changed, by this store's order, first
	}{
		"all":                {0, 0, "4 3 2 1 0", "dialled"},
		"the newest stay":    {0, 2, "4 3 2", "1 0 dialled"},
		"the young stay":     {90 * time.Minute, 0, "4 3 2", "1 0 dialled"},
		"both":               {150 * time.Minute, 2, "4 3", "2 1 0 dialled"},
		"more kept than are": {0, 9, "", "4 3 2 1 0 dialled"},
		"negative":           {-time.Hour, -1, "4 3 2 1 0", "dialled"},
	} {
		for _, kind := range []string{"memory", "file"} {
			t.Run(name+" in "+kind, func(t *testing.T) {
				t.Parallel()
				store := conn.NewMemoryStore()
				if kind == "file" {
					store, _ = openStore(t, filepath.Join(t.TempDir(), "a.db"))
				}
				a := start(t, "a", nil, conn.WithStore(deadStore(t, store, 5)))
				gone, err := a.Prune(t.Context(), c.older, c.keep)
				if err != nil || peersOf(gone) != c.gone {
					t.Errorf("gone are %q, %v; want %q", peersOf(gone), err, c.gone)
				}
				if left := peersOf(a.ListConnections()); left != c.left {
					t.Errorf("left are %q, want %q", left, c.left)
				}
				if stored, err := store.List(t.Context()); err != nil || peersOf(stored) != c.left {
					t.Errorf("stored are %q, %v", peersOf(stored), err)
				}
				if n := len(a.Table().Peers()); n != len(strings.Fields(c.left)) {
					t.Errorf("the table has %d peers", n)
				}
			})
		}
	}
}

// The dead do not crowd out the living, nor each other: by itself the manager keeps the newest of them.
func TestTheDeadAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := deadStore(t, conn.NewMemoryStore(), 20)
		m, err := conn.NewManager(conn.Self{ID: "a"}, conn.WithStore(store), conn.WithLimits(conn.Limits{Dead: 3}))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		time.Sleep(2 * time.Second) // in the bubble
		if left := peersOf(m.ListConnections()); left != "2 1 0 dialled" {
			t.Errorf("left are %q", left)
		}
		if stored, err := store.List(t.Context()); err != nil || peersOf(stored) != "2 1 0 dialled" {
			t.Errorf("stored are %q, %v", peersOf(stored), err)
		}
	})
}

// A connection that is up, or has just ended and is not written yet, is not lost by a prune.
func TestPruneAtWork(t *testing.T) {
	t.Parallel()
	store := conn.NewMemoryStore()
	a, b, c := start(t, "a", []string{"users"}, conn.WithStore(store)), start(t, "b", []string{"users"}), start(t, "c", []string{"users"})
	connectTo(t, b, a)
	connectTo(t, c, a)
	c.stop()
	a.awaitState(t, "c", stale)
	if gone, err := a.Prune(t.Context(), 0, 0); err != nil || peersOf(gone) != "c" {
		t.Errorf("gone are %q, %v", peersOf(gone), err)
	}
	a.mustAsk(t, "users", "b/users: hello")
	if stored, err := store.List(t.Context()); err != nil || peersOf(stored) != "b" {
		t.Errorf("stored are %q, %v", peersOf(stored), err)
	}
	connectTo(t, startAt(t, c.address, "c", []string{"users"}), a) // forgotten is not forbidden
	a.awaitState(t, "c", active)
}
