package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWriteIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	stop := errors.New("stop")
	err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO item VALUES (1, 'x')")
		return errors.Join(err, stop)
	})
	if !errors.Is(err, stop) {
		t.Errorf("Write = %v", err)
	}
	if err := insertItem(t.Context(), db, 1); err != nil {
		t.Errorf("after a rollback: %v", err)
	}
}

func TestWriteSurvivesPanic(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	func() {
		defer func() { recover() }()
		_ = db.Write(t.Context(), func(context.Context, *sql.Tx) error { panic("handler") })
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := insertItem(ctx, db, 1); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

func TestWriteFinishesWhatItBegan(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		cancel()
		_, err := tx.ExecContext(ctx, "INSERT INTO item VALUES (1, 'x')")
		return err
	})
	if err != nil {
		t.Errorf("cancelled after its begin: %v", err)
	}
	if err := insertItem(ctx, db, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before its begin: %v", err)
	}
	if got := count(t, db.Reader()); got != 1 {
		t.Errorf("%d rows, want 1", got)
	}
}

func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM item").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWriteWithoutSpaceRecovers(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	setMaxPages := func(pages string) {
		err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "PRAGMA max_page_count = "+pages)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	setMaxPages("6")
	written := 0
	var err error
	for err == nil && written < 100 {
		if err = insertItem(t.Context(), db, written); err == nil {
			written++
		}
	}
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("Write = %v, want a word about space", err)
	}
	if got := count(t, db.Reader()); got != written {
		t.Errorf("%d rows, %d acknowledged", got, written)
	}
	setMaxPages("1000")
	if err := insertItem(t.Context(), db, written); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

// TestCancelStorm cancels writes and reads at random. No statement may be hit by another one's cancellation, and no
// transaction may stay open.
func TestCancelStorm(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	for id := range 100 {
		if err := insertItem(t.Context(), db, id); err != nil {
			t.Fatal(err)
		}
	}
	storm := func(ctx context.Context, i int) error {
		if i%4 == 0 {
			return insertItem(ctx, db, 1000+i)
		}
		var n int
		return db.Reader().QueryRowContext(ctx, "SELECT count(*) FROM item a, item b WHERE a.text < b.text").Scan(&n)
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 40 {
				ctx, cancel := context.WithCancel(t.Context())
				if patient := i%2 == 0; !patient {
					timer := time.AfterFunc(rand.N(2*time.Millisecond), cancel)
					defer timer.Stop()
				}
				if err := storm(ctx, worker*40+i); err != nil && ctx.Err() == nil {
					t.Errorf("not cancelled, and yet: %v", err)
				}
				cancel()
			}
		})
	}
	group.Wait()
}

func TestTwoProcessesShareTheWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	var group sync.WaitGroup
	for process := range 2 { // two DBs lock each other as two processes do
		db := open(t, path)
		if err := db.Migrate(t.Context(), testTables); err != nil {
			t.Fatal(err)
		}
		for worker := range 4 {
			group.Go(func() {
				for i := range 25 {
					if err := insertItem(t.Context(), db, process<<20|worker<<10|i); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Wait()
	if got := count(t, open(t, path).Reader()); got != 200 {
		t.Errorf("%d rows, want 200", got)
	}
}

// TestWriteWhileAnotherProcessHoldsTheFile takes the five seconds of busy_timeout.
func TestWriteWhileAnotherProcessHoldsTheFile(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	other := open(t, db.Path())
	held, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		err := other.Write(t.Context(), func(context.Context, *sql.Tx) error {
			close(held)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	if err := insertItem(t.Context(), db, 1); err == nil || !strings.Contains(err.Error(), "another process holds") {
		t.Errorf("Write = %v", err)
	}
	if got := count(t, db.Reader()); got != 0 {
		t.Errorf("%d rows, and none was acknowledged", got)
	}
	close(release)
	group.Wait()
	if err := insertItem(t.Context(), db, 1); err != nil {
		t.Errorf("with the file free again: %v", err)
	}
}
