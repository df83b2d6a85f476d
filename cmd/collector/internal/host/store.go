package host

import (
	"context"
	"errors"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/registry"
)

// store is what a collector keeps: connections and schemas, in one file or in memory.
type store struct {
	connections conn.Store
	registry    *registry.Registry
	file        *conn.FileStore // nil in memory
}

func openStore(ctx context.Context, path string, opts ...registry.Option) (*store, error) {
	if path == InMemory {
		schemas, err := registry.New(ctx, opts...)
		return &store{connections: conn.NewMemoryStore(), registry: schemas}, err
	}
	file, err := conn.OpenStore(ctx, path)
	if err != nil {
		return nil, err
	}
	schemas, err := registry.New(ctx, append(opts, registry.WithDB(file.DB()))...)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &store{connections: file, registry: schemas, file: file}, nil
}

// close must come after everything that uses the store.
func (s *store) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
