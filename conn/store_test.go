package conn_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn"
	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/store"
)

const (
	active = collector.ConnectionState_CONNECTION_STATE_ACTIVE
	idle   = collector.ConnectionState_CONNECTION_STATE_IDLE
	stale  = collector.ConnectionState_CONNECTION_STATE_STALE
	closed = collector.ConnectionState_CONNECTION_STATE_CLOSED
	failed = collector.ConnectionState_CONNECTION_STATE_FAILED
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	testStore(t, func(*testing.T) conn.Store { return conn.NewMemoryStore() })
}

func TestSQLiteStore(t *testing.T) {
	t.Parallel()
	testStore(t, func(t *testing.T) conn.Store {
		store, _ := openStore(t, filepath.Join(t.TempDir(), "state.db"))
		return store
	})
}

func openStore(t *testing.T, path string) (conn.Store, *store.Store) {
	t.Helper()
	file, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return conn.NewFileStore(file), file
}

// testStore is what every Store must do.
func testStore(t *testing.T, newStore func(*testing.T) conn.Store) {
	for name, test := range map[string]func(*testing.T, conn.Store){
		"keeps every field":         testStoreKeepsEveryField,
		"replaces by id":            testStoreReplaces,
		"lists copies":              testStoreListsCopies,
		"counters add up":           testStoreCounters,
		"refuses no id":             testStoreRefusesNoID,
		"purges the forgettable":    testStorePurges,
		"is bounded":                testStoreIsBounded,
		"is concurrent":             testStoreIsConcurrent,
		"last activity only grows":  testStoreLastActivity,
		"a cancelled Put is no Put": testStoreCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newStore(t))
		})
	}
}

// moment is a time with nanoseconds, minutes after some start.
func moment(minutes int) time.Time {
	return time.Unix(1_800_000_000, 123_456_789).Add(time.Duration(minutes) * time.Minute)
}

func record(id string, state collector.ConnectionState, minutes int) *collector.Connection {
	return &collector.Connection{Id: id, State: state, StateChangedAt: timestamppb.New(moment(minutes))}
}

func put(t *testing.T, store conn.Store, records ...*collector.Connection) {
	t.Helper()
	for _, record := range records {
		if err := store.Put(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
}

func list(t *testing.T, store conn.Store) []*collector.Connection {
	t.Helper()
	records, err := store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func ids(records []*collector.Connection) string {
	var ids []string
	for _, record := range records {
		ids = append(ids, record.GetId())
	}
	return strings.Join(ids, " ")
}

func testStoreKeepsEveryField(t *testing.T, store conn.Store) {
	want := &collector.Connection{
		Id:                "c-000000000001",
		SourceCollectorId: "a",
		TargetCollectorId: "b",
		Address:           "127.0.0.1:50051",
		SharedNamespaces:  []string{"orders", "users"},
		Metadata: &collector.Metadata{
			CreatedAt: timestamppb.New(moment(0)),
			UpdatedAt: timestamppb.New(moment(1)),
			Labels:    map[string]string{"zone": "west", "rack": "7"},
		},
		LastActivity:   timestamppb.New(moment(2)),
		State:          idle,
		IsInitiator:    true,
		SessionId:      "0190b0f4-8d0c-7000-8000-000000000000",
		CloseReason:    "none yet",
		StateChangedAt: timestamppb.New(moment(3)),
	}
	put(t, store, want)
	if diff := cmp.Diff([]*collector.Connection{want}, list(t, store), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func testStoreReplaces(t *testing.T, store conn.Store) {
	put(t, store, record("a", active, 0), record("b", active, 0), record("c", active, 0))
	put(t, store, record("a", stale, -60)) // the clock went back
	got := list(t, store)
	if ids(got) != "a c b" || got[0].GetState() != stale {
		t.Errorf("list is %v", got)
	}
}

func testStoreListsCopies(t *testing.T, store conn.Store) {
	mine := record("a", active, 0)
	put(t, store, mine)
	mine.Address = "changed after Put"
	list(t, store)[0].Address = "changed after List"
	if got := list(t, store)[0].GetAddress(); got != "" {
		t.Errorf("address is %q", got)
	}
}

func testStoreCounters(t *testing.T, store conn.Store) {
	first := record("a", active, 0)
	first.RequestCount, first.ErrorCount, first.BytesSent, first.BytesReceived = 100, 100, 100, 100 // ignored
	put(t, store, first, record("b", active, 0))
	delta := conn.Counters{ConnectionID: "a", Requests: 4, Errors: 3, BytesSent: 2, BytesReceived: 1, LastActivity: moment(5)}
	batch := []conn.Counters{delta, {ConnectionID: "forgotten", Requests: 1}, delta}
	if err := errors.Join(store.AddCounters(t.Context(), batch), store.AddCounters(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	put(t, store, record("a", closed, 6))

	want := record("a", closed, 6)
	want.RequestCount, want.ErrorCount, want.BytesSent, want.BytesReceived = 8, 6, 4, 2
	want.LastActivity = timestamppb.New(moment(5))
	if diff := cmp.Diff([]*collector.Connection{want, record("b", active, 0)}, list(t, store), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func testStoreLastActivity(t *testing.T, store conn.Store) {
	used := record("a", active, 0)
	used.LastActivity = timestamppb.New(moment(5))
	put(t, store, used)
	used.LastActivity = timestamppb.New(moment(4))
	put(t, store, used)
	older := []conn.Counters{{ConnectionID: "a", LastActivity: moment(3)}, {ConnectionID: "a"}}
	if err := store.AddCounters(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	if got := list(t, store)[0].GetLastActivity().AsTime(); !got.Equal(moment(5)) {
		t.Errorf("last activity is %v, want %v", got, moment(5))
	}
}

func testStoreRefusesNoID(t *testing.T, store conn.Store) {
	for _, record := range []*collector.Connection{nil, {}} {
		if err := store.Put(t.Context(), record); err == nil {
			t.Errorf("Put(%v) succeeds", record)
		}
	}
	if got := list(t, store); len(got) != 0 {
		t.Errorf("list is %v", got)
	}
}

func testStorePurges(t *testing.T, store conn.Store) {
	dialed := record("stale-dialed", stale, 0)
	dialed.IsInitiator = true
	put(t, store,
		record("closed", closed, 0), record("failed", failed, 0), record("stale-accepted", stale, 0),
		record("active", active, 0), record("idle", idle, 0), dialed,
		record("closed-later", closed, 10))
	if err := store.Purge(t.Context(), moment(10)); err != nil {
		t.Fatal(err)
	}
	if got, want := ids(list(t, store)), "closed-later stale-dialed idle active"; got != want {
		t.Errorf("left are %q, want %q", got, want)
	}
}

func testStoreIsBounded(t *testing.T, store conn.Store) {
	const most = 1024
	put(t, store, record("closed-first", closed, 0), record("closed-second", closed, 0))
	for i := range most - 2 {
		put(t, store, record(fmt.Sprintf("active-%d", i), active, 0))
	}
	put(t, store, record("closed-first", closed, 1)) // now the other one is the older
	put(t, store, record("new-1", active, 0))
	if got := list(t, store); len(got) != most || ids(got[:2]) != "new-1 closed-first" || strings.Contains(ids(got), "closed-second") {
		t.Errorf("%d records, %q first", len(got), ids(got[:2]))
	}
	put(t, store, record("new-2", active, 0))
	if err := store.Put(t.Context(), record("new-3", active, 0)); !errors.Is(err, conn.ErrStoreFull) {
		t.Errorf("with nothing to forget: %v", err)
	}
	put(t, store, record("new-2", stale, 0)) // what is there may change
}

func testStoreIsConcurrent(t *testing.T, store conn.Store) {
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			id := fmt.Sprint(worker % 4)
			for i := range 10 {
				err := errors.Join(
					store.Put(t.Context(), record(id, active, i)),
					store.AddCounters(t.Context(), []conn.Counters{{ConnectionID: id, Requests: 1}}))
				if err != nil {
					t.Error(err)
				}
				if _, err := store.List(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, record := range list(t, store) {
		if record.GetRequestCount() != 20 {
			t.Errorf("%s has %d requests, want 20", record.GetId(), record.GetRequestCount())
		}
	}
}

func testStoreCancelled(t *testing.T, store conn.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := store.Put(ctx, record("a", active, 0))
	if got := list(t, store); (err == nil) != (len(got) == 1) {
		t.Errorf("Put = %v, list is %v", err, got)
	}
}

func TestSQLiteStoreSurvivesReopening(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	store, db := openStore(t, path)
	put(t, store, record("a", active, 0), record("b", closed, 1))
	if err := store.AddCounters(t.Context(), []conn.Counters{{ConnectionID: "a", Requests: 7}}); err != nil {
		t.Fatal(err)
	}
	before := list(t, store)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := openStore(t, path)
	if diff := cmp.Diff(before, list(t, again), protocmp.Transform()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

func TestSQLiteStoreRefusesDamagedRecords(t *testing.T) {
	t.Parallel()
	other, err := proto.Marshal(record("b", active, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []string{
		"UPDATE connection SET record = x'00'",
		"UPDATE connection SET checksum = checksum + 1",
		"UPDATE connection SET id = 'b'",
		fmt.Sprintf("UPDATE connection SET record = x'%x'", other),
	} {
		records, file := openStore(t, filepath.Join(t.TempDir(), "state.db"))
		put(t, records, record("a", active, 0))
		execute(t, file, damage)
		if got, err := records.List(t.Context()); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: List = %v, %v", damage, got, err)
		}
	}
}
