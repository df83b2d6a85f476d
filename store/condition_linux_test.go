package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/collectiverpc/collective/store"
)

// watched is an open store, and what was told of its trouble.
func watched(t *testing.T, path string) (file *store.Store, told *[]string) {
	t.Helper()
	file, err := store.Open(path)
	check(t, err)
	t.Cleanup(func() { check(t, file.Close()) })
	told = new([]string)
	stop := file.Watch(func(trouble error) {
		if trouble == nil {
			*told = append(*told, "")
			return
		}
		*told = append(*told, trouble.Error())
	})
	t.Cleanup(stop)
	return file, told
}

// expect holds what was told against words, one for each change.
func expect(t *testing.T, told *[]string, want ...string) {
	t.Helper()
	if len(*told) != len(want) {
		t.Fatalf("told %q, want %q", *told, want)
	}
	for i, words := range want {
		if !strings.Contains((*told)[i], words) || (words == "") != ((*told)[i] == "") {
			t.Errorf("told %q, want %q", (*told)[i], words)
		}
	}
}

// A disk that fills up is told once, and that there is space again too, although nobody writes.
func TestTroubleOfAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("NOT RUN: this user may not mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	file, told := watched(t, filepath.Join(dir, "a.db"))
	write := func(bytes int) error {
		return file.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO known_key VALUES (hex(randomblob(8)), randomblob(?), '', 0, 0, 0)", bytes)
			return err
		})
	}
	check(t, write(10))
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	for range 3 {
		if err := write(40 << 10); err == nil {
			t.Fatal("it was written")
		}
		file.Look()
	}
	expect(t, told, "no space left")
	if file.Trouble() == nil {
		t.Error("no trouble")
	}
	check(t, os.Remove(filler))
	file.Look()
	expect(t, told, "no space left", "")
	check(t, write(10))
}

// A file that is deleted, replaced or made read-only is told, and what is open works on.
func TestTroubleOfAFileThatIsTakenAway(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		take, giveBack func(t *testing.T, path string)
		want           string
	}{
		"deleted": {
			func(t *testing.T, path string) { t.Helper(); check(t, os.Rename(path, path+".away")) },
			func(t *testing.T, path string) { t.Helper(); check(t, os.Rename(path+".away", path)) }, "was deleted",
		},
		"replaced": {
			func(t *testing.T, path string) {
				t.Helper()
				check(t, os.Rename(path, path+".away"))
				check(t, os.WriteFile(path, []byte("x"), 0o600))
			},
			func(t *testing.T, path string) { t.Helper(); check(t, os.Rename(path+".away", path)) }, "was replaced",
		},
		"read-only": {
			func(t *testing.T, path string) { t.Helper(); check(t, os.Chmod(path, 0o400)) },
			func(t *testing.T, path string) { t.Helper(); check(t, os.Chmod(path, 0o600)) }, "has become read-only",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.db")
			file, told := watched(t, path)
			tt.take(t, path)
			file.Look()
			file.Look()
			expect(t, told, tt.want)
			_ = file.Write(t.Context(), func(context.Context, *sql.Tx) error { return nil })
			tt.giveBack(t, path)
			file.Look()
			if file.Trouble() != nil || (*told)[len(*told)-1] != "" {
				t.Errorf("%v, told %q", file.Trouble(), *told)
			}
		})
	}
}
