package host

import (
	"context"
	"errors"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/internal/sqlite"
	"github.com/collectiverpc/collective/registry"
)

// store is what a collector keeps: connections and schemas, in one file or in memory.
type store struct {
	connections conn.Store
	registry    *registry.Registry
	db          *sqlite.DB // nil in memory
}

func openStore(ctx context.Context, path string) (*store, error) {
	if path == InMemory {
		schemas, err := registry.New(ctx)
		return &store{connections: conn.NewMemoryStore(), registry: schemas}, err
	}
	db, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &store{db: db}
	if s.connections, err = conn.NewSQLiteStore(ctx, db); err == nil {
		s.registry, err = registry.New(ctx, registry.WithDB(db))
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// close must come after everything that uses the store.
func (s *store) close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}
