package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Component is a part of the file with tables and a version of its own: Steps[i] leads from version i to i+1. Steps must
// never change once they have been released; append instead.
type Component struct {
	Name  string
	Steps []string
}

// Migrate brings the tables of components to version len(Steps). It runs the missing steps in one transaction, so that
// the file is as before or as it should be, never between. A file with a later version of one is refused, with
// [ErrFutureSchema], and left as it is.
func (db *DB) Migrate(ctx context.Context, components ...Component) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, c := range components {
			if err := migrate(ctx, tx, c.Name, c.Steps); err != nil {
				return fmt.Errorf("migrate %s: %w", c.Name, err)
			}
		}
		return nil
	})
}

// migrate runs the steps that a component is behind, inside the transaction of all.
func migrate(ctx context.Context, tx *sql.Tx, component string, steps []string) error {
	version, err := schemaVersion(ctx, tx, component)
	if err != nil {
		return err
	}
	if version > len(steps) {
		return fmt.Errorf("%w: schema version %d, and this program knows versions up to %d: "+
			"start the newer program, or another file", ErrFutureSchema, version, len(steps))
	}
	for i, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("step to version %d: %w", version+i+1, err)
		}
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO schema_version (component, version) VALUES (?, ?)
		ON CONFLICT (component) DO UPDATE SET version = excluded.version`, component, len(steps))
	return err
}

// schemaVersion is 0 for a component that the file has never seen.
func schemaVersion(ctx context.Context, tx *sql.Tx, component string) (int, error) {
	var version int
	err := tx.QueryRowContext(ctx, "SELECT version FROM schema_version WHERE component = ?", component).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil && version < 0 {
		return 0, fmt.Errorf("schema version %d: %w", version, ErrDamaged)
	}
	return version, err
}
