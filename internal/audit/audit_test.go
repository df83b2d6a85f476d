package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/internal/audit"
	"github.com/collectiverpc/collective/store"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// text is a buffer that a log writes to.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func start(t *testing.T) (*audit.Log, *text) {
	t.Helper()
	said := new(text)
	l := audit.New(slog.New(slog.NewTextHandler(said, nil)))
	t.Cleanup(l.Close)
	return l, said
}

func denied(id, procedure string) access.Event {
	return access.Event{Kind: "User", ID: id, Network: "remote", Action: "call", Namespace: "shop", Procedure: procedure, Reason: "no policy permits it"}
}

func list(t *testing.T, l *audit.Log, q audit.Query) []audit.Row {
	t.Helper()
	rows, err := l.List(t.Context(), q)
	check(t, err)
	return rows
}

// Equal denials are one row with a count, and one line of the log; what was done is never put together.
func TestEqualDenialsAreOneRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, said := start(t)
		for range 1000 {
			l.Record(denied("eve", "/shop.v1.OrderService/GetOrder"))
		}
		for range 3 {
			l.Record(access.Event{Kind: "User", ID: "ann", Action: "operate", Allowed: true, Policies: []string{"operators"}, Detail: map[string]string{"address": "b:1"}})
		}
		synctest.Wait()
		rows := list(t, l, audit.Query{})
		if len(rows) != 4 || rows[3].Count != 1000 || rows[0].Count != 1 || rows[0].Seq != 4 {
			t.Fatalf("%+v", rows)
		}
		time.Sleep(audit.Together)
		l.Record(denied("eve", "/shop.v1.OrderService/GetOrder"))
		time.Sleep(time.Second)
		if rows := list(t, l, audit.Query{DeniedOnly: true}); len(rows) != 2 || rows[0].Count != 1 {
			t.Errorf("after its time: %+v", rows)
		}
		if n := strings.Count(said.String(), "msg=denied"); n != 2 || !strings.Contains(said.String(), "audit.principal=User::eve") ||
			!strings.Contains(said.String(), "audit.address=b:1") {
			t.Errorf("%d lines of denials:\n%s", n, said)
		}
	})
}

// A caller that asks for something else each time fills neither the memory nor the table, and hides nobody else.
func TestAFloodIsOneRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := start(t)
		for i := range 100_000 {
			l.Record(denied("eve", fmt.Sprintf("/x.S/M%d", i)))
		}
		l.Record(denied("ann", "/x.S/M"))
		rows := list(t, l, audit.Query{})
		if len(rows) != audit.MostOfCaller+2 || rows[0].ID != "ann" || rows[1].Count != 100_000-audit.MostOfCaller || rows[1].Procedure != "" {
			t.Fatalf("%d rows, %+v", len(rows), rows[:2])
		}
		for i := range 100_000 {
			l.Record(denied(fmt.Sprint("user", i), "/x.S/M"))
		}
		rows = list(t, l, audit.Query{})
		if len(rows) != 100 || rows[0].ID != "" || rows[0].Count < 90_000 {
			t.Errorf("%d rows of many callers, %+v", len(rows), rows[0])
		}
	})
}

func TestWhatIsKeptInAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	keep := func() (*audit.Log, func()) {
		file, err := store.Open(path)
		check(t, err)
		l := audit.New(slog.New(slog.DiscardHandler))
		check(t, l.Keep(context.Background(), file))
		return l, func() {
			l.Close()
			check(t, file.Close())
		}
	}
	first, end := keep()
	first.Record(access.Event{Kind: "User", ID: "uid:ann", Network: "socket", Action: "operate", Allowed: true, Policies: []string{"operators"},
		Detail: map[string]string{"address": "b:50051"}})
	for range 5 {
		first.Record(denied("eve", "/x.S/M"))
	}
	first.Record(denied("bob", strings.Repeat("long\xff", 1000)))
	end()
	second, end := keep()
	defer end()
	second.Record(denied("eve", "/x.S/M"))
	rows := list(t, second, audit.Query{})
	if len(rows) != 4 || rows[0].Seq != 4 || rows[2].Count != 5 || rows[2].ID != "eve" || len(rows[1].Procedure) > 3*512 {
		t.Fatalf("%+v", rows)
	}
	if done := rows[3]; done.ID != "uid:ann" || !done.Allowed || done.Detail["address"] != "b:50051" || done.Policies[0] != "operators" {
		t.Errorf("%+v", done)
	}
	for name, tt := range map[string]struct {
		q    audit.Query
		want []uint64
	}{
		"denied":  {audit.Query{DeniedOnly: true}, []uint64{4, 3, 2}},
		"page":    {audit.Query{Before: 4, Limit: 2}, []uint64{3, 2}},
		"follow":  {audit.Query{After: 2}, []uint64{4, 3}},
		"since":   {audit.Query{Since: rows[0].Time}, []uint64{4}},
		"nothing": {audit.Query{Since: time.Now().Add(time.Hour)}, nil},
	} {
		var got []uint64
		for _, row := range list(t, second, tt.q) {
			got = append(got, row.Seq)
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// The table is bounded: the oldest rows go.
func TestOldRowsGo(t *testing.T) {
	t.Parallel()
	file, err := store.Open(filepath.Join(t.TempDir(), "a.db"))
	check(t, err)
	defer file.Close()
	l := audit.New(slog.New(slog.DiscardHandler))
	check(t, l.Keep(t.Context(), file))
	defer l.Close()
	l.Record(access.Event{Action: "operate", Allowed: true, Time: time.Now().Add(-audit.KeptFor - time.Minute)})
	for i := range audit.MostKept + 500 {
		l.Record(access.Event{Action: "operate", Allowed: true})
		if i%1000 == 0 {
			list(t, l, audit.Query{}) // writes
		}
	}
	rows := list(t, l, audit.Query{})
	var count, first uint64
	check(t, file.Reader().QueryRowContext(t.Context(), "SELECT count(*), min(id) FROM audit").Scan(&count, &first))
	if count != audit.MostKept || first != rows[0].Seq-audit.MostKept+1 || l.Missed() != 0 {
		t.Errorf("%d rows from %d on, the last is %d; %d missed", count, first, rows[0].Seq, l.Missed())
	}
}

// Recording does not wait for the disk: what it cannot take is missed, and counted.
func TestADiskThatFailsLosesRowsAndSaysSo(t *testing.T) {
	t.Parallel()
	file, err := store.Open(filepath.Join(t.TempDir(), "a.db"))
	check(t, err)
	said := new(text)
	l := audit.New(slog.New(slog.NewTextHandler(said, nil)))
	check(t, l.Keep(t.Context(), file))
	check(t, file.Close())
	l.Record(denied("eve", "/x.S/M"))
	l.Close()
	l.Close()
	if l.Missed() != 1 || !strings.Contains(said.String(), "cannot be written") || !strings.Contains(said.String(), "msg=denied") {
		t.Errorf("%d missed, %s", l.Missed(), said)
	}
}
