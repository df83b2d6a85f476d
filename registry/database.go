package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/store"
)

// database is the registry's tables in a collector's file.
type database struct{ file *store.Store }

// save writes a change in one transaction. Files come first: a service names the file that declares it.
func (d *database) save(ctx context.Context, c *change) error {
	return d.file.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, f := range c.files {
			if err := saveFile(ctx, tx, c.index.name, f); err != nil {
				return fmt.Errorf("file %s: %w", f.Path(), err)
			}
		}
		for _, s := range c.services {
			if err := saveService(ctx, tx, c.index.name, s); err != nil {
				return fmt.Errorf("service %s: %w", s.name, err)
			}
		}
		for _, name := range c.dropped {
			if err := dropService(ctx, tx, c.index.name, name); err != nil {
				return fmt.Errorf("drop service %s: %w", name, err)
			}
		}
		for _, path := range c.removed {
			if err := removeFile(ctx, tx, c.index.name, path); err != nil {
				return fmt.Errorf("remove file %s: %w", path, err)
			}
		}
		return nil
	})
}

// saveFile replaces the version that is there, but for the time when the first one came.
func saveFile(ctx context.Context, tx *sql.Tx, namespace string, f *descriptor.File) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO registry_file (namespace, path, descriptor, checksum, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (namespace, path) DO UPDATE SET
			descriptor = excluded.descriptor, checksum = excluded.checksum, updated_at = excluded.updated_at`,
		namespace, f.Path(), f.Encoded, checksum(f.Encoded), f.Created.UnixNano(), f.Updated.UnixNano())
	return err
}

// saveService keeps of a service what its file does not say: where it is, and since when.
func saveService(ctx context.Context, tx *sql.Tx, namespace string, s *service) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO registry_service (namespace, name, path, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (namespace, name) DO UPDATE SET path = excluded.path, updated_at = excluded.updated_at`,
		namespace, s.name, s.descriptor.ParentFile().Path(), s.times.created.UnixNano(), s.times.updated.UnixNano())
	return err
}

// dropService forgets a service that a change by force took away, or that is unregistered. Its file may stay.
func dropService(ctx context.Context, tx *sql.Tx, namespace, name string) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM registry_service WHERE namespace = ? AND name = ?", namespace, name)
	return err
}

// removeFile forgets a file that no service stands on any more.
func removeFile(ctx context.Context, tx *sql.Tx, namespace, path string) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM registry_file WHERE namespace = ? AND path = ?", namespace, path)
	return err
}

// load builds all that is stored. It takes the time of building every file; nothing is answered before it is done.
func (d *database) load(ctx context.Context) (*view, error) {
	revision, err := d.begin(ctx)
	if err != nil {
		return nil, err
	}
	edits, err := loadFiles(ctx, d.file)
	if err != nil {
		return nil, err
	}
	if err := loadServices(ctx, d.file, edits); err != nil {
		return nil, err
	}
	v := &view{revision: revision, namespaces: make(map[string]*namespaceIndex, len(edits))}
	for namespace, e := range edits {
		v.namespaces[namespace] = e.done()
	}
	return v, nil
}

// begin takes the next epoch for this run and keeps it, so that not even a crash right after it lets two runs have one.
func (d *database) begin(ctx context.Context) (revision uint64, err error) {
	err = d.file.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
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
