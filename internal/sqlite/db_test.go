package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/internal/sqlite"
)

func open(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openTemp(t *testing.T) *sqlite.DB {
	t.Helper()
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	if err := db.Migrate(t.Context(), testTables); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestEveryConnectionHasItsPragmas(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	want := map[string]string{
		"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000", "foreign_keys": "1", "trusted_schema": "0",
	}
	for range 4 { // held, so that each is another connection
		conn, err := db.Reader().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if diff := cmp.Diff(want, pragmas(t, conn, want)); diff != "" {
			t.Errorf("reader: (-want +got)\n%s", diff)
		}
		if _, err := conn.ExecContext(t.Context(), "INSERT INTO item VALUES (1, 'x')"); err == nil {
			t.Error("a reader wrote")
		}
	}
	err := db.Write(t.Context(), func(_ context.Context, tx *sql.Tx) error {
		if diff := cmp.Diff(want, pragmas(t, tx, want)); diff != "" {
			t.Errorf("writer: (-want +got)\n%s", diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func pragmas(t *testing.T, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, names map[string]string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	for name := range names {
		var value string
		if err := q.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		got[name] = value
	}
	return got
}

func TestOpenCreatesForThisUserOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "odd ?#%25 name.db")
	db := open(t, path)
	if err := db.Migrate(t.Context(), testTables); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %q, %v; want the database, its log and its index", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", file, info.Mode(), err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close the log is still there: %v", err)
	}
}

func TestOpenByManyAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			db, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(db.Migrate(t.Context(), testTables), db.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  string
		is    error
	}{
		{"empty", func(t *testing.T, path string) { write(t, path, nil) }, "the file is empty", sqlite.ErrDamaged},
		{"text", func(t *testing.T, path string) { write(t, path, []byte(strings.Repeat("not a database\n", 500))) }, "damaged", sqlite.ErrDamaged},
		{"truncated", func(t *testing.T, path string) { filled(t, path); truncate(t, path) }, "damaged", sqlite.ErrDamaged},
		{"foreign", foreign, "another program", sqlite.ErrForeign},
		{"directory", func(t *testing.T, path string) { os.Mkdir(path, 0o700) }, "want a regular file", nil},
		{"log alone", func(t *testing.T, path string) { write(t, path+"-wal", []byte("x")) }, "without its database", nil},
		{"no directory", func(t *testing.T, path string) { os.Remove(filepath.Dir(path)) }, "no such file", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.db")
			tt.spoil(t, path)
			_, err := sqlite.Open(t.Context(), path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("Open = %v, want %q and the path", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("Open = %v, want %v", err, tt.is)
			}
		})
	}
	for _, path := range []string{"", ":memory:"} {
		if _, err := sqlite.Open(t.Context(), path); err == nil {
			t.Errorf("Open(%q) succeeds", path)
		}
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// filled leaves a closed database with some pages at path.
func filled(t *testing.T, path string) {
	t.Helper()
	db := open(t, path)
	if err := db.Migrate(t.Context(), testTables); err != nil {
		t.Fatal(err)
	}
	for id := range 30 {
		if err := insertItem(t.Context(), db, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

func foreign(t *testing.T, path string) {
	t.Helper()
	filled(t, path)
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "PRAGMA application_id = 7"); err != nil {
		t.Fatal(err)
	}
}

// TestDamageNeverPanics flips one byte or cuts the file somewhere, many times. The file is then refused, or a read
// fails, or the damage was nowhere that matters; it is never a crash.
func TestDamageNeverPanics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	filled(t, filepath.Join(dir, "good.db"))
	good, err := os.ReadFile(filepath.Join(dir, "good.db"))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 300 {
		path := filepath.Join(dir, "bad.db")
		write(t, path, mutate(random, good))
		if readAll(t, path) != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}

func mutate(random *rand.Rand, good []byte) []byte {
	at := random.IntN(len(good))
	if random.IntN(4) == 0 {
		return good[:at]
	}
	bad := append([]byte(nil), good...)
	bad[at] ^= byte(1 + random.IntN(255))
	return bad
}

func readAll(t *testing.T, path string) error {
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		return err
	}
	defer db.Close()
	var bytes int
	return db.Reader().QueryRowContext(t.Context(), "SELECT sum(length(text)) FROM item").Scan(&bytes)
}
