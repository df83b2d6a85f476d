package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/gofrs/flock"
)

// ErrOwned says that somebody has the file open already.
var ErrOwned = errors.New("a store has one owner")

// lock is the mark that a process has a file open. It is a lock of the operating system on a file beside it, which ends
// with the process however that ends; locking the database itself would end SQLite's own locks with ours.
type lock struct {
	held *flock.Flock
	free func() error
}

// acquire takes the lock of the file at path, or says who has it.
func acquire(path string) (*lock, error) {
	if err := checkWritable(path); err != nil {
		return nil, err
	}
	mark := path + ".lock"
	for {
		held := flock.New(mark, flock.SetPermissions(0o600))
		taken, err := held.TryLock()
		switch {
		case err != nil:
			return nil, err
		case !taken:
			return nil, ownedBy(mark)
		}
		if current(held, mark) {
			return sign(held)
		}
		_ = held.Close() // its owner took the mark away between our opening and our locking it
	}
}

// sign writes into the mark whose it is.
func sign(held *flock.Flock) (*lock, error) {
	l := &lock{held: held}
	l.free = sync.OnceValue(l.remove)
	if err := os.WriteFile(held.Path(), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// current reports whether the locked file is still the one that others find.
func current(held *flock.Flock, mark string) bool {
	ours, err := held.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Stat(mark)
	return err == nil && os.SameFile(ours, theirs)
}

func ownedBy(mark string) error {
	content, _ := os.ReadFile(mark) // the owner may be about to write it, or to leave
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	switch {
	case err != nil:
		return fmt.Errorf("another process has it open: %w; stop that one, or choose another path", ErrOwned)
	case pid == os.Getpid():
		return fmt.Errorf("this process has it open already: %w; open it once and share the handle", ErrOwned)
	}
	return fmt.Errorf("process %d has it open: %w; stop that one, or choose another path", pid, ErrOwned)
}

func (l *lock) release() error { return l.free() }

// remove takes the mark away before it is given free, so that nobody locks a file that is about to vanish unnoticed.
func (l *lock) remove() error {
	err := os.Remove(l.held.Path())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.held.Close())
}

// checkWritable refuses what is there and will not be a store, before anything is written beside it.
func checkWritable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("this is a directory: name a file in it")
	case !info.Mode().IsRegular():
		return fmt.Errorf("this is no regular file, but %s: choose another path", info.Mode())
	case info.Mode().Perm()&0o200 == 0:
		return fmt.Errorf("the file is read-only (%s): a collector writes to its store; chmod u+w it, or choose another path", info.Mode())
	}
	return nil
}
