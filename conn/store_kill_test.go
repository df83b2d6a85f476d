package conn_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn"
	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/store"
)

const storeUntilKilledEnv = "COLLECTIVE_TEST_STORE_UNTIL_KILLED"

func execute(t *testing.T, db *store.Store, statement string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStoreUntilKilled is not a test but the process that TestKillLosesNoConnection kills: it changes states as fast
// as it can and prints each change once it is acknowledged.
func TestStoreUntilKilled(t *testing.T) {
	path := os.Getenv(storeUntilKilledEnv)
	if path == "" {
		t.Skip("runs as a child of TestKillLosesNoConnection")
	}
	store, _ := openStore(t, path)
	states := []collector.ConnectionState{active, idle, stale, closed, failed}
	for change := 0; t.Context().Err() == nil; change++ {
		id, state := fmt.Sprintf("c-%d", rand.IntN(10)), states[rand.IntN(len(states))]
		put(t, store, record(id, state, change))
		if err := store.AddCounters(t.Context(), []conn.Counters{{ConnectionID: id, Requests: 1}}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("acknowledged", id, int32(state), change)
	}
}

type acknowledged struct {
	state  collector.ConnectionState
	change int
}

func TestKillLosesNoConnection(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	want := make(map[string]acknowledged)
	var requests int64
	for range 5 {
		requests += changeAndKill(t, path, 1+rand.IntN(100), want)
		checkConnections(t, path, want, requests)
	}
	t.Logf("%d acknowledged changes", requests)
}

// changeAndKill kills the changing process at some moment after that many acknowledged changes.
func changeAndKill(t *testing.T, path string, after int, want map[string]acknowledged) (changes int64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStoreUntilKilled$")
	child.Env = append(os.Environ(), storeUntilKilledEnv+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var id string
		var got acknowledged
		if _, err := fmt.Sscanf(lines.Text(), "acknowledged %s %d %d", &id, &got.state, &got.change); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		want[id] = got
		if changes++; changes == int64(after) {
			time.AfterFunc(rand.N(3*time.Millisecond), func() { child.Process.Kill() })
		}
	}
	if changes < int64(after) {
		t.Fatalf("the child ended by itself after %d changes", changes)
	}
	return changes
}

// checkConnections finds every record as it was acknowledged last, except one: the change that was running when the
// process was killed may be in or not.
func checkConnections(t *testing.T, path string, want map[string]acknowledged, requests int64) {
	t.Helper()
	store, db := openStore(t, path)
	defer db.Close()
	unacknowledged := 0
	var stored int64
	records := list(t, store)
	if len(records) < len(want) {
		t.Errorf("%d records, %d acknowledged", len(records), len(want))
	}
	for _, record := range records {
		stored += record.GetRequestCount()
		acknowledged := want[record.GetId()]
		if record.GetState() == acknowledged.state && record.GetStateChangedAt().AsTime().Equal(moment(acknowledged.change)) {
			continue
		}
		unacknowledged++
		acknowledged.state = record.GetState()
		acknowledged.change = int(record.GetStateChangedAt().AsTime().Sub(moment(0)) / time.Minute)
		want[record.GetId()] = acknowledged
	}
	if unacknowledged > 1 {
		t.Errorf("%d records differ from what was acknowledged", unacknowledged)
	}
	if stored < requests {
		t.Errorf("%d requests counted, %d acknowledged", stored, requests)
	}
	checkIntegrity(t, db)
}

func checkIntegrity(t *testing.T, db *store.Store) {
	t.Helper()
	var verdict string
	if err := db.Reader().QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %q, %v", verdict, err)
	}
}
