package conn_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/collectiverpc/collective/conn"
	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/store"
)

// TestDamageIsNeverServed changes one byte of the file or cuts it off, many times. What a store then answers is what
// was put there, in the order it was put; or it refuses. Counters alone may be off.
func TestDamageIsNeverServed(t *testing.T) {
	t.Parallel()
	good := filepath.Join(t.TempDir(), "good.db")
	store, db := openStore(t, good)
	for _, id := range []string{"a", "b", "c", "d"} {
		put(t, store, record(id, active, 1))
	}
	want := list(t, store)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	bad := filepath.Join(t.TempDir(), "bad.db")
	refused := 0
	for range 300 {
		if err := os.WriteFile(bad, damaged(random, content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readDamaged(t, bad)
		if err != nil {
			refused++
			continue
		}
		counters := protocmp.IgnoreFields(&collector.Connection{}, "request_count", "error_count", "bytes_sent", "bytes_received", "last_activity")
		if diff := cmp.Diff(want, got, protocmp.Transform(), counters); diff != "" {
			t.Errorf("served (-put +got)\n%s", diff)
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}

func damaged(random *rand.Rand, content []byte) []byte {
	at := random.IntN(len(content))
	if random.IntN(8) == 0 {
		return content[:at]
	}
	bad := append([]byte(nil), content...)
	bad[at] ^= byte(1 << random.IntN(8))
	return bad
}

func readDamaged(t *testing.T, path string) ([]*collector.Connection, error) {
	t.Helper()
	file, err := store.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return conn.NewFileStore(file).List(t.Context())
}
