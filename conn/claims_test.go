package conn_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
)

// logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

func (l *logbook) option() conn.Option {
	return conn.WithLogger(slog.New(slog.NewTextHandler(l, nil)))
}

func conflictOf(n *node, peer string) string {
	p, ok := n.Table().Peer(peer)
	if !ok {
		return ""
	}
	return p.Conflict
}

func sessionOf(t *testing.T, n *node, peer string) string {
	t.Helper()
	p, ok := n.Table().Peer(peer)
	if !ok || p.SessionID == "" {
		t.Fatalf("%s knows no session of %s", n.id, peer)
	}
	return p.SessionID
}

// Two processes with one id and one key dial a third. The later one takes the place of the first, which is refused when it
// comes back, instead of taking it in turn; both sides can tell what is wrong.
func TestTwoProcessesWithOneKeyThatDial(t *testing.T) {
	t.Parallel()
	logs := new(logbook)
	a := start(t, "a", []string{"users"}, logs.option())
	key := conn.WithKey(newKey(t))
	first, second := start(t, "b", []string{"users"}, key), start(t, "b", []string{"users"}, key)
	connectTo(t, first, a)
	one := sessionOf(t, a, "b")
	connectTo(t, second, a)
	two := sessionOf(t, a, "b")
	a.await(t, "the conflict is seen", func(*conn.Table) bool { return conflictOf(a, "b") != "" })
	first.await(t, "the first is told", func(table *conn.Table) bool {
		p, _ := table.Peer("a")
		return p.State == stale && strings.Contains(p.Reason, `collector id "b" is in use`) && strings.Contains(p.Reason, two)
	})
	for _, part := range []string{one, two, first.address, second.address, "give each its own id"} {
		if !strings.Contains(conflictOf(a, "b"), part) {
			t.Errorf("the conflict %q does not say %q", conflictOf(a, "b"), part)
		}
	}
	if listed := a.ListConnections(); len(listed) != 1 || listed[0].GetConflict() != conflictOf(a, "b") {
		t.Errorf("listed are %v", listed)
	}
	if _, err := first.ConnectTo(t.Context(), a.address, nil); connect.CodeOf(err) != connect.CodeAlreadyExists {
		t.Errorf("the first connects by hand: %v", err)
	}
	if sessionOf(t, a, "b") != two {
		t.Error("the first has taken the place of the second")
	}
	if n := logs.count("who is who is in doubt"); n != 1 {
		t.Errorf("the log tells of it %d times, want once a minute", n)
	}
	second.stop()
	a.await(t, "the first is let in when the second is gone", func(table *conn.Table) bool {
		p, _ := table.Peer("b")
		return p.State == active && p.SessionID == one && p.Conflict == ""
	})
}

// A copy of a collector that was dialled dials itself: it takes the place of the first, and all three can tell what is wrong.
func TestTwoProcessesWithOneKeyOfWhichOneIsDialled(t *testing.T) {
	t.Parallel()
	logs := [2]*logbook{new(logbook), new(logbook)}
	a := start(t, "a", []string{"users"})
	key := conn.WithKey(newKey(t))
	first := start(t, "b", []string{"users"}, key, logs[0].option())
	second := start(t, "b", []string{"users"}, key, logs[1].option())
	connectTo(t, a, first)
	one := sessionOf(t, a, "b")
	connectTo(t, second, a)
	two := sessionOf(t, a, "b")
	for i, n := range []*node{first, second} {
		n.await(t, "it is told", func(*conn.Table) bool { return conflictOf(n, "a") != "" })
		for _, part := range []string{"a says: ", one, two, first.address, second.address, "give each its own id"} {
			if !strings.Contains(conflictOf(n, "a"), part) {
				t.Errorf("process %d says %q, without %q", i, conflictOf(n, "a"), part)
			}
		}
		if logs[i].count("who is who is in doubt") != 1 {
			t.Errorf("the log of process %d does not tell of it", i)
		}
	}
	if conflictOf(a, "b") == "" {
		t.Error("the one that both are connected with says nothing")
	}
	a.mustAsk(t, "users", "b/users: hello")
}

// Of two processes with one id and a key each the first that came stays, whatever the other says: it is refused as long as
// the first is there. All three say so.
func TestTwoProcessesWithOneIDThatDial(t *testing.T) {
	t.Parallel()
	a := start(t, "a", []string{"users"})
	first, second := start(t, "b", []string{"users"}), start(t, "b", []string{"users"})
	connectTo(t, first, a)
	one := sessionOf(t, a, "b")
	for range 3 {
		_, err := second.ConnectTo(t.Context(), a.address, nil)
		if connect.CodeOf(err) != connect.CodeAlreadyExists || !strings.Contains(err.Error(), one) {
			t.Fatalf("the second: %v", err)
		}
	}
	first.await(t, "the first is told", func(*conn.Table) bool {
		return strings.Contains(conflictOf(first, "a"), `a says: collector id "b" is in use`)
	})
	for _, says := range []string{conflictOf(a, "b"), conflictOf(first, "a")} {
		for _, part := range []string{one, first.address, "give each its own id"} {
			if !strings.Contains(says, part) {
				t.Errorf("the conflict %q does not say %q", says, part)
			}
		}
	}
	a.mustAsk(t, "users", "b/users: hello")
	if sessionOf(t, a, "b") != one {
		t.Error("the second has taken the place of the first")
	}
	first.stop()
	a.await(t, "the first is gone", func(table *conn.Table) bool { p, _ := table.Peer("b"); return p.State != active })
	connectTo(t, second, a)
}

// Two processes with one id are dialled: nothing flaps, and it is said all the same.
func TestTwoProcessesWithOneIDThatAreDialled(t *testing.T) {
	t.Parallel()
	a := start(t, "a", []string{"users"})
	first, second := start(t, "b", []string{"users"}), start(t, "b", []string{"users"})
	connectTo(t, a, first)
	one := sessionOf(t, a, "b")
	if _, err := a.ConnectTo(t.Context(), second.address, nil); connect.CodeOf(err) != connect.CodeAlreadyExists {
		t.Errorf("a connects to the second: %v", err)
	}
	a.await(t, "the conflict is seen", func(*conn.Table) bool { return conflictOf(a, "b") != "" })
	for _, part := range []string{one, first.address, second.address} {
		if !strings.Contains(conflictOf(a, "b"), part) {
			t.Errorf("the conflict %q does not say %q", conflictOf(a, "b"), part)
		}
	}
	connectTo(t, a, first)
	a.mustAsk(t, "users", "b/users: hello")
}

// A restart is no conflict, however the process ended.
func TestARestartIsNoConflict(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	connectTo(t, b, a)
	one := sessionOf(t, a, "b")
	b.stop()
	again := start(t, "b", []string{"users"})
	connectTo(t, again, a)
	if c := conflictOf(a, "b"); c != "" || sessionOf(t, a, "b") == one {
		t.Errorf("after a restart: %q", c)
	}
	again.mustAsk(t, "users", "a/users: hello")
}
