package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/collectiverpc/collective/internal/wholefile"
)

// applicationID marks a collector's file, so that another program's database is not taken for one: "coll".
const applicationID = 0x636f6c6c

const firstSchema = `
CREATE TABLE schema_version (
	component TEXT PRIMARY KEY,
	version   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;`

// create makes the file if there is none, whole or not at all: it is prepared under another name and then linked. An
// empty file is therefore never the trace of a crash here.
func create(ctx context.Context, path string) error {
	if found, err := exists(path); err != nil || found {
		return err
	}
	if err := checkNoLog(path); err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600, kept by log and index
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	if err := errors.Join(draft.Close(), initialise(ctx, draft.Name())); err != nil {
		return err
	}
	return publish(draft.Name(), path)
}

// checkNoLog refuses a log without its file: SQLite would play it into the new one.
func checkNoLog(path string) error {
	found, err := exists(path + "-wal")
	if found {
		return fmt.Errorf("%s-wal is there without its database: restore the database, or move the log away", path)
	}
	return err
}

// exists reports whether there is anything at a path, whatever it is.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// initialise writes the mark and the first table, and closes the file, by which SQLite folds its log into it: a draft is one
// file when it gets its name.
func initialise(ctx context.Context, path string) error {
	db := pool(writerDSN(path), 1)
	_, err := db.ExecContext(ctx, "PRAGMA application_id = "+strconv.Itoa(applicationID)+";"+firstSchema)
	return errors.Join(err, db.Close())
}

// publish gives the file its name unless another process was faster; then theirs is as good. A link, unlike a rename, never
// replaces a file. The directory is synced, or the name might not survive a power loss that the content survives.
func publish(draft, path string) error {
	if err := os.Link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return wholefile.SyncDir(filepath.Dir(path))
}
