package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrDamaged is in the chain of errors about a file whose content cannot be trusted.
var ErrDamaged = errors.New("the database is damaged: move it away together with its -wal and -shm files and " +
	"restore a copy, or start without one")

// ErrForeign says that the file is a database, but not a collector's.
var ErrForeign = errors.New("this is the database of another program: choose another path")

// check reads through the file before anything trusts it.
func (db *DB) check(ctx context.Context) error {
	if err := checkFile(db.path); err != nil {
		return err
	}
	if err := checkHeader(db.path); err != nil {
		return err
	}
	return db.checkPages(ctx)
}

// The header of a database file, by https://www.sqlite.org/fileformat.html#the_database_header.
const (
	headerMagic         = "SQLite format 3\x00"
	headerApplicationID = 68
	headerBytes         = 100
)

// checkHeader finds out whose file it is before SQLite opens it: that would change the journal of another program's.
func checkHeader(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(file, header); err != nil || string(header[:len(headerMagic)]) != headerMagic {
		return fmt.Errorf("the file is no database: %w", ErrDamaged)
	}
	if binary.BigEndian.Uint32(header[headerApplicationID:]) != applicationID {
		return ErrForeign
	}
	return nil
}

func checkFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("want a regular file, this is %s", info.Mode())
	}
	if info.Size() == 0 {
		return fmt.Errorf("the file is empty: %w", ErrDamaged)
	}
	return nil
}

func (db *DB) checkPages(ctx context.Context) error {
	var verdict string
	if err := db.writer.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w (%s)", ErrDamaged, verdict)
	}
	return nil
}
