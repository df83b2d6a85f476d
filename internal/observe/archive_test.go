package observe_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/store"
)

const plenty = 100_000

func openDB(t *testing.T, path string) *store.Store {
	t.Helper()
	db, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// run is one run of a collector that keeps its history in db. It ends with the test, if not before.
func run(t *testing.T, db *store.Store, session string, limits observe.Limits, keep observe.Retention) *observe.Recorder {
	t.Helper()
	r := observe.New("a", limits)
	if err := r.Keep(t.Context(), db, session, keep); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, r) })
	return r
}

func finish(t *testing.T, r *observe.Recorder) {
	t.Helper()
	r.Close()
	if err := r.Finish(); err != nil {
		t.Error(err)
	}
}

// numbers are the sessions and numbers of calls, as "session/seq".
func numbers(calls []*meshv1.Dispatch) (all []string) {
	for _, d := range calls {
		all = append(all, d.GetSessionId()+"/"+strconv.FormatUint(d.GetSeq(), 10))
	}
	return all
}

func TestCallsSurviveARestart(t *testing.T) {
	t.Parallel()
	db := openDB(t, filepath.Join(t.TempDir(), "a.db"))
	first := run(t, db, "s1", observe.Limits{}, observe.Retention{Calls: plenty})
	first.Record(call(nil))
	first.Record(call(func(c *observe.Call) {
		failing(c)
		c.Route, c.Reason, c.Message, c.RequestBytes, c.ResponseBytes = []string{"a", "b"}, "link_lost", "gone", 7, 9
	}))
	before := list(t, first, &meshv1.ListDispatchesRequest{})
	finish(t, first)

	second := run(t, db, "s2", observe.Limits{}, observe.Retention{Calls: plenty})
	second.Record(call(nil))
	got := list(t, second, &meshv1.ListDispatchesRequest{})
	if diff := cmp.Diff([]string{"/1", "s1/2", "s1/1"}, numbers(got.GetDispatches())); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	if got.GetScanned() != 3 || got.GetNextPageToken() != "" || !got.GetOldest().AsTime().Equal(before.GetOldest().AsTime()) {
		t.Errorf("scanned %d, next page %q, oldest %v, want 3, none, %v", got.GetScanned(), got.GetNextPageToken(), got.GetOldest(), before.GetOldest())
	}
	kept, told := got.GetDispatches()[1], before.GetDispatches()[0]
	kept.SessionId = ""
	if kept.String() != told.String() {
		t.Errorf("it is %v, and was %v", kept, told)
	}
}

// Pages go from memory into the archive and through it, whatever the filter, without a gap and without a repetition.
func TestPages(t *testing.T) {
	t.Parallel()
	db := openDB(t, filepath.Join(t.TempDir(), "a.db"))
	finish(t, recorded(run(t, db, "s1", observe.Limits{}, observe.Retention{Calls: plenty}), 50))
	r := observe.New("a", observe.Limits{Calls: 16})
	if err := r.Keep(t.Context(), db, "s2", observe.Retention{Calls: plenty}); err != nil {
		t.Fatal(err)
	}
	recorded(r, 16)
	finish(t, r) // writes them; memory goes on with others
	recorded(r, 8)
	var want []string
	for seq := 24; seq > 0; seq-- {
		want = append(want, "/"+strconv.Itoa(seq))
	}
	for seq := 50; seq > 0; seq-- {
		want = append(want, "s1/"+strconv.Itoa(seq))
	}
	for _, size := range []int32{1, 7, 16, 30, 100} {
		var got []string
		req := &meshv1.ListDispatchesRequest{Limit: size}
		for {
			res := list(t, r, req)
			got = append(got, numbers(res.GetDispatches())...)
			if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in pages of %d (-want +got):\n%s", size, diff)
		}
	}
}

func recorded(r *observe.Recorder, calls int) *observe.Recorder {
	for range calls {
		r.Record(call(nil))
	}
	return r
}

func TestForeignPageTokens(t *testing.T) {
	t.Parallel()
	r := recorded(observe.New("a", observe.Limits{}), 3)
	defer r.Close()
	other := recorded(observe.New("a", observe.Limits{}), 3)
	defer other.Close()
	for token, want := range map[string]connect.Code{
		"x": connect.CodeInvalidArgument, "m": connect.CodeFailedPrecondition, "a": connect.CodeInvalidArgument, "a-4": connect.CodeInvalidArgument,
		"a0": connect.CodeInvalidArgument, "ä": connect.CodeInvalidArgument,
		list(t, other, &meshv1.ListDispatchesRequest{Limit: 1}).GetNextPageToken(): connect.CodeFailedPrecondition,
	} {
		_, err := r.ListDispatches(t.Context(), &meshv1.ListDispatchesRequest{PageToken: token})
		if connect.CodeOf(err) != want {
			t.Errorf("page_token %q: %v, want %v", token, err, want)
		}
	}
}

// The archive selects by SQL what memory selects by code: the same calls, whatever the filter.
func TestTheArchiveSelectsAsMemoryDoes(t *testing.T) {
	t.Parallel()
	db := openDB(t, filepath.Join(t.TempDir(), "a.db"))
	memory := run(t, db, "s1", observe.Limits{}, observe.Retention{Calls: plenty})
	dice := rand.New(rand.NewPCG(1, 2))
	start := time.Now()
	for i := range 400 {
		memory.Record(call(func(c *observe.Call) { randomize(c, dice, start.Add(time.Duration(i)*time.Second)) }))
	}
	finish(t, memory)
	archive := run(t, db, "s2", observe.Limits{}, observe.Retention{Calls: plenty})
	for range 500 {
		req := randomRequest(dice, start)
		want, got := list(t, memory, req), list(t, archive, req)
		if diff := cmp.Diff(len(want.GetDispatches()), len(got.GetDispatches())); diff != "" {
			t.Fatalf("%v (-memory +archive):\n%s", req, diff)
		}
		for i, d := range got.GetDispatches() {
			if d.GetSeq() != want.GetDispatches()[i].GetSeq() {
				t.Fatalf("%v: call %d is %d, want %d", req, i, d.GetSeq(), want.GetDispatches()[i].GetSeq())
			}
		}
	}
}

func randomize(c *observe.Call, dice *rand.Rand, start time.Time) {
	pick := func(words ...string) string { return words[dice.IntN(len(words))] }
	c.Namespace, c.Procedure = pick("users", "orders"), pick("/S/Get", "/S/GetAll", "/T/%_Odd")
	c.Source, c.Executor, c.Code = pick("a", "b"), pick("a", "b", "c"), pick("ok", "ok", "internal", "unavailable")
	c.Start, c.Duration = start, time.Duration(dice.IntN(100))*time.Millisecond
}

func randomRequest(dice *rand.Rand, start time.Time) *meshv1.ListDispatchesRequest {
	pick := func(words ...string) string { return words[dice.IntN(len(words))] }
	f := &meshv1.DispatchFilter{
		Namespace: pick("", "", "users", "none"), Procedure: pick("", "get", "GETALL", "%", "_", "t/", "t."),
		CollectorId: pick("", "", "b"), SourceCollectorId: pick("", "", "a"), ExecutorCollectorId: pick("", "", "c"),
		ErrorsOnly: dice.IntN(4) == 0,
	}
	if dice.IntN(3) == 0 {
		f.Codes = []string{"ok", pick("internal", "unavailable", "x")}
	}
	if dice.IntN(3) == 0 {
		f.MinDurationNanos = dice.Int64N(int64(100 * time.Millisecond))
	}
	req := &meshv1.ListDispatchesRequest{Filter: f, Limit: 1 + dice.Int32N(500)}
	if dice.IntN(3) == 0 {
		req.From = timestamppb.New(start.Add(time.Duration(dice.IntN(400)) * time.Second))
	}
	if dice.IntN(3) == 0 {
		req.To = timestamppb.New(start.Add(time.Duration(dice.IntN(400)) * time.Second))
	}
	return req
}

func TestTheArchiveIsBounded(t *testing.T) {
	t.Parallel()
	db := openDB(t, filepath.Join(t.TempDir(), "a.db"))
	for i := range 3 {
		finish(t, recorded(run(t, db, "s"+strconv.Itoa(i), observe.Limits{}, observe.Retention{Calls: 100}), 70))
	}
	if rows := rowsOf(t, db, "dispatch"); rows != 100 {
		t.Errorf("there are %d rows, want the newest 100", rows)
	}
	old := run(t, db, "old", observe.Limits{}, observe.Retention{Calls: 100, Age: time.Hour})
	for _, age := range []time.Duration{3 * time.Hour, 2 * time.Hour, time.Minute} {
		old.Record(call(func(c *observe.Call) { c.Start = time.Now().Add(-age) }))
	}
	finish(t, old)
	if rows := rowsOf(t, db, "dispatch WHERE session = 'old'"); rows != 3 {
		t.Errorf("rows behind younger ones: %d, want 3, which go when they are the oldest", rows)
	}
	finish(t, recorded(run(t, db, "new", observe.Limits{}, observe.Retention{Calls: 100, Age: time.Nanosecond}), 1))
	if rows := rowsOf(t, db, "dispatch"); rows != 0 {
		t.Errorf("there are %d rows, want none: all are older than a nanosecond", rows)
	}
}

func rowsOf(t *testing.T, db *store.Store, from string) (n int) {
	t.Helper()
	if err := db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Whoever writes faster than the disk loses the oldest, and is told how many.
func TestMissedCallsAreCounted(t *testing.T) {
	t.Parallel()
	db := openDB(t, filepath.Join(t.TempDir(), "a.db"))
	r := observe.New("a", observe.Limits{Calls: 8})
	recorded(r, 20) // before there is anyone to write them
	if err := r.Keep(t.Context(), db, "s1", observe.Retention{Calls: plenty}); err != nil {
		t.Fatal(err)
	}
	finish(t, r)
	if rows, status := rowsOf(t, db, "dispatch"), r.History(); rows != 8 || status.GetMissedCalls() != 12 || status.GetStoredCalls() != plenty {
		t.Errorf("%d rows, %v, want 8 rows and 12 missed", rows, status)
	}
}

// A disk that fails loses nothing as long as memory has it, and says what is wrong.
func TestAFailingDiskIsTold(t *testing.T) {
	t.Parallel()
	db := openDB(t, filepath.Join(t.TempDir(), "a.db"))
	broken, err := store.Open(filepath.Join(t.TempDir(), "b.db"))
	if err != nil {
		t.Fatal(err)
	}
	r := observe.New("a", observe.Limits{})
	if err := r.Keep(t.Context(), broken, "s1", observe.Retention{Calls: plenty}); err != nil {
		t.Fatal(err)
	}
	if err := broken.Close(); err != nil {
		t.Fatal(err)
	}
	recorded(r, 3)
	if err := r.Finish(); err == nil || r.History().GetError() != err.Error() || r.History().GetMissedCalls() != 0 {
		t.Errorf("Finish: %v, and the status is %v", err, r.History())
	}
	if err := r.Keep(t.Context(), db, "s1", observe.Retention{Calls: plenty}); err != nil {
		t.Fatal(err)
	}
	finish(t, r)
	if rows := rowsOf(t, db, "dispatch"); rows != 3 || r.History().GetError() != "" {
		t.Errorf("%d rows, %v, want 3 and no error", rows, r.History())
	}
}

func TestConnectionChanges(t *testing.T) {
	t.Parallel()
	const (
		unknown = collector.ConnectionState_CONNECTION_STATE_UNSPECIFIED
		active  = collector.ConnectionState_CONNECTION_STATE_ACTIVE
		stale   = collector.ConnectionState_CONNECTION_STATE_STALE
	)
	db := openDB(t, filepath.Join(t.TempDir(), "a.db"))
	first := run(t, db, "s1", observe.Limits{}, observe.Retention{})
	first.RecordChange(unknown, &collector.Connection{Id: "c-b", SourceCollectorId: "a", TargetCollectorId: "b", State: active})
	first.RecordChange(unknown, &collector.Connection{Id: "c-c", SourceCollectorId: "c", TargetCollectorId: "a", State: active})
	recorded(first, 5)
	finish(t, first)
	second := run(t, db, "s2", observe.Limits{}, observe.Retention{})
	second.RecordChange(active, &collector.Connection{Id: "c-b", SourceCollectorId: "a", TargetCollectorId: "b", State: stale, CloseReason: "gone"})
	for name, tt := range map[string]struct {
		req  *meshv1.ListConnectionChangesRequest
		want []string
	}{
		"all":       {&meshv1.ListConnectionChangesRequest{}, []string{"c-b stale", "c-c active", "c-b active"}},
		"last":      {&meshv1.ListConnectionChangesRequest{Limit: 2}, []string{"c-b stale", "c-c active"}},
		"peer":      {&meshv1.ListConnectionChangesRequest{PeerCollectorId: "b"}, []string{"c-b stale", "c-b active"}},
		"ourselves": {&meshv1.ListConnectionChangesRequest{PeerCollectorId: "a"}, nil},
		"state":     {&meshv1.ListConnectionChangesRequest{States: []collector.ConnectionState{stale}}, []string{"c-b stale"}},
	} {
		var got []string
		for _, change := range second.ListConnectionChanges(tt.req).GetChanges() {
			word := map[collector.ConnectionState]string{active: "active", stale: "stale"}[change.GetConnection().GetState()]
			got = append(got, change.GetConnection().GetId()+" "+word)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for range 2000 {
		second.RecordChange(stale, &collector.Connection{Id: "c-b", State: active})
	}
	finish(t, second)
	if n, rows := len(second.ListConnectionChanges(&meshv1.ListConnectionChangesRequest{}).GetChanges()), rowsOf(t, db, "connection_change"); n != 1024 || rows != 1024 {
		t.Errorf("%d in memory and %d in the file, want 1024", n, rows)
	}
	if rows := rowsOf(t, db, "dispatch"); rows != 0 {
		t.Errorf("%d calls are kept, want none without a retention", rows)
	}
}

const recordUntilKilledEnv = "COLLECTIVE_TEST_RECORD_UNTIL_KILLED"

// recordUntilKilled records calls as fast as they are written, and says the number of each that is in the file.
func recordUntilKilled(path string) {
	ctx := context.Background()
	db, err := store.Open(path)
	check(err)
	r := observe.New("a", observe.Limits{Calls: 64})
	session := strconv.FormatInt(time.Now().UnixNano(), 10)
	check(r.Keep(ctx, db, session, observe.Retention{Calls: 500}))
	for last := 0; ; {
		recorded(r, 16)
		for was := last; last < was+16; {
			check(db.Reader().QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM dispatch WHERE session = ?", session).Scan(&last))
		}
		fmt.Println(session, last)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// After kill -9 the file is whole: what was in it is in it, each run's calls without a gap, within the retention.
func TestKillLeavesAWholeHistory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	for round := range 5 {
		session, last := recordAndKill(t, path, 1+rand.IntN(6))
		db, err := store.Open(path) // also checks every page
		if err != nil {
			t.Fatal(err)
		}
		rows, lowest, highest := 0, 0, 0
		err = db.Reader().QueryRowContext(t.Context(), "SELECT count(*), min(seq), max(seq) FROM dispatch WHERE session = ?", session).
			Scan(&rows, &lowest, &highest)
		if err != nil || highest < last || rows != highest-lowest+1 {
			t.Errorf("round %d: %d rows from %d to %d, %v, want all up to %d", round, rows, lowest, highest, err, last)
		}
		if all := rowsOf(t, db, "dispatch"); all > 500 {
			t.Errorf("round %d: %d rows, want at most 500", round, all)
		}
		next := run(t, db, "next", observe.Limits{}, observe.Retention{Calls: 500})
		if got := list(t, next, &meshv1.ListDispatchesRequest{Limit: 1}).GetDispatches(); len(got) != 1 || got[0].GetSessionId() != session || got[0].GetSeq() != uint64(highest) {
			t.Errorf("round %d: the newest is %v, want %s/%d", round, got, session, highest)
		}
		finish(t, next)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// recordAndKill kills the recording process at some moment after it has said that many lines, and answers its session
// and the last number that it said.
func recordAndKill(t *testing.T, path string, lines int) (session string, last int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), recordUntilKilledEnv+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait() //nolint:errcheck // it is killed
	said := bufio.NewScanner(out)
	for said.Scan() {
		if _, err := fmt.Sscan(said.Text(), &session, &last); err != nil {
			t.Fatal(err)
		}
		if lines--; lines == 0 {
			time.AfterFunc(rand.N(20*time.Millisecond), func() { child.Process.Kill() })
		}
	}
	if lines > 0 {
		t.Fatalf("the recorder ended by itself after %d", last)
	}
	return session, last
}
