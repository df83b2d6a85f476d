package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/sqlite"
)

var databaseSteps = []string{`
CREATE TABLE registry_epoch (
	one   INTEGER PRIMARY KEY CHECK (one = 1),
	epoch INTEGER NOT NULL -- grows with every start; see firstRevision
) STRICT;
CREATE TABLE registry_file (
	namespace  TEXT NOT NULL,
	path       TEXT NOT NULL,
	descriptor BLOB NOT NULL,    -- google.protobuf.FileDescriptorProto
	checksum   INTEGER NOT NULL, -- CRC-32C of descriptor: SQLite keeps none of its pages
	created_at INTEGER NOT NULL, -- nanoseconds since 1970
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (namespace, path)
) STRICT;
CREATE TABLE registry_service (
	namespace  TEXT NOT NULL,
	name       TEXT NOT NULL, -- full
	path       TEXT NOT NULL, -- the file that declares it
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (namespace, name),
	FOREIGN KEY (namespace, path) REFERENCES registry_file (namespace, path)
) STRICT;`}

// database is a store in the collector's file.
type database struct{ db *sqlite.DB }

func (d *database) save(ctx context.Context, c *change) error {
	return d.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, f := range c.files {
			if err := saveFile(ctx, tx, c.space.name, f); err != nil {
				return fmt.Errorf("file %s: %w", f.Path(), err)
			}
		}
		for _, s := range c.services {
			if err := saveService(ctx, tx, c.space.name, s); err != nil {
				return fmt.Errorf("service %s: %w", s.name, err)
			}
		}
		for _, name := range c.dropped {
			if err := dropService(ctx, tx, c.space.name, name); err != nil {
				return fmt.Errorf("drop service %s: %w", name, err)
			}
		}
		return nil
	})
}

func saveFile(ctx context.Context, tx *sql.Tx, namespace string, f *descriptor.File) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO registry_file (namespace, path, descriptor, checksum, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (namespace, path) DO UPDATE SET
			descriptor = excluded.descriptor, checksum = excluded.checksum, updated_at = excluded.updated_at`,
		namespace, f.Path(), f.Encoded, checksum(f.Encoded), f.Created.UnixNano(), f.Updated.UnixNano())
	return err
}

func saveService(ctx context.Context, tx *sql.Tx, namespace string, s *service) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO registry_service (namespace, name, path, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (namespace, name) DO UPDATE SET path = excluded.path, updated_at = excluded.updated_at`,
		namespace, s.name, s.descriptor.ParentFile().Path(), s.times.created.UnixNano(), s.times.updated.UnixNano())
	return err
}

func dropService(ctx context.Context, tx *sql.Tx, namespace, name string) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM registry_service WHERE namespace = ? AND name = ?", namespace, name)
	return err
}

func (d *database) load(ctx context.Context) (*view, error) {
	if err := d.db.Migrate(ctx, "registry", databaseSteps); err != nil {
		return nil, err
	}
	revision, err := d.begin(ctx)
	if err != nil {
		return nil, err
	}
	edits, err := d.loadFiles(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.loadServices(ctx, edits); err != nil {
		return nil, err
	}
	v := &view{revision: revision, spaces: make(map[string]*space, len(edits))}
	for namespace, e := range edits {
		v.spaces[namespace] = e.done()
	}
	return v, nil
}

func (d *database) begin(ctx context.Context) (revision uint64, err error) {
	err = d.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var epoch uint64
		err := tx.QueryRowContext(ctx, "SELECT epoch FROM registry_epoch").Scan(&epoch)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		epoch, revision = firstRevision(epoch)
		_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO registry_epoch (one, epoch) VALUES (1, ?)", epoch)
		return err
	})
	return revision, err
}

func checksum(data []byte) int64 {
	return int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}

func timesOf(created, updated int64) times {
	return times{time.Unix(0, created), time.Unix(0, updated)}
}
