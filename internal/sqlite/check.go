package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// check reads through the file before anything trusts it. SQLite itself is asked last: what the first two steps refuse, it
// never opens.
func check(ctx context.Context, path string, writer *sql.DB) error {
	if err := checkFile(path); err != nil {
		return err
	}
	if err := checkHeader(path); err != nil {
		return err
	}
	return checkPages(ctx, writer)
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

// checkFile refuses what SQLite would take for an empty database and fill: create never leaves an empty file behind, so one
// is what a crash of the file system or somebody else left.
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

// checkPages reads every page, which takes as long as reading the file does. The quick check leaves out whether indexes agree
// with their tables: what is kept here can be read without.
func checkPages(ctx context.Context, writer *sql.DB) error {
	var verdict string
	if err := writer.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w (%s)", ErrDamaged, verdict)
	}
	return nil
}
