package store_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/store"
)

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	file, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func execute(t *testing.T, file *store.Store, statement string) error {
	t.Helper()
	return file.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, statement)
		return err
	})
}

// contents are the files of a directory with what is in them.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			content = []byte(err.Error())
		}
		files[entry.Name()] = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	return files
}

// foreign makes the database of another program.
func foreign(t *testing.T, path string) {
	t.Helper()
	db := sql.OpenDB(connector("file:" + path))
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE note (text TEXT); INSERT INTO note VALUES ('mine')"); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  string
		is    error
	}{
		{"a directory", func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) }, "is a directory: name a file in it", nil},
		{"a read-only file", func(t *testing.T, path string) { open(t, path).Close(); check(t, os.Chmod(path, 0o400)) }, "read-only", nil},
		{"another program's database", foreign, "another program", store.ErrForeign},
		{"a text", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, []byte(strings.Repeat("not a database\n", 500)), 0o600))
		}, "damaged", store.ErrDamaged},
		{"an empty file", func(t *testing.T, path string) { check(t, os.WriteFile(path, nil, 0o600)) }, "empty", store.ErrDamaged},
		{"no directory", func(t *testing.T, path string) { check(t, os.Remove(filepath.Dir(path))) }, "no such file or directory", nil},
		{"a newer program's", func(t *testing.T, path string) {
			file := open(t, path)
			check(t, execute(t, file, "UPDATE schema_version SET version = 99 WHERE component = 'registry'"))
			check(t, execute(t, file, "DELETE FROM schema_version WHERE component = 'connections'; DROP TABLE connection"))
			check(t, file.Close())
		}, "newer program", store.ErrNewer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "state")
			check(t, os.Mkdir(dir, 0o700))
			path := filepath.Join(dir, "a.db")
			tt.spoil(t, path)
			var before map[string]string
			if _, err := os.Stat(dir); err == nil {
				before = contents(t, dir)
			}
			_, err := store.Open(path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Open: %v, want one line with %q and the path", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("Open: %v, want %v", err, tt.is)
			}
			if before != nil {
				if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
					t.Errorf("what is on disk changed (-before +after)\n%s", diff)
				}
			}
		})
	}
	for _, path := range []string{"", ":memory:"} {
		if _, err := store.Open(path); err == nil || !strings.Contains(err.Error(), "want the path of a file") {
			t.Errorf("Open(%q): %v", path, err)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFileHasOneCollector(t *testing.T) {
	t.Parallel()
	file := open(t, filepath.Join(t.TempDir(), "a.db"))
	release, err := file.Claim("a")
	check(t, err)
	if _, err := file.Claim("b"); !errors.Is(err, store.ErrOwned) || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("a second collector: %v, want ErrOwned and the name of the first", err)
	}
	release()
	release()
	if _, err := file.Claim("b"); err != nil {
		t.Errorf("after the first has left: %v", err)
	}
	release() // of another
	if _, err := file.Claim("c"); !errors.Is(err, store.ErrOwned) {
		t.Errorf("the first released the claim of the second: %v", err)
	}
}
