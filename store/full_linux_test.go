package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/collectiverpc/collective/store"
)

// A disk that is full when the file is made is one clear error, and leaves nothing behind that is taken for a store.
func TestOpenOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := fullDisk(t)
	path := filepath.Join(dir, "a.db")
	_, err := store.Open(path)
	if err == nil || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), path) {
		t.Errorf("Open: %v, want no space left and the path", err)
	}
	if left := contents(t, dir); len(left) != 1 { // what fills it
		t.Errorf("left behind: %v", left)
	}
}

// fullDisk is a directory on a disk without space, which is made by whoever may mount one.
func fullDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("NOT RUN: this user may not mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	filler, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	if err := errors.Join(err, filler.Close()); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return dir
}
