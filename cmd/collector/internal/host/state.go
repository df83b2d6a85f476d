package host

import (
	"context"
	"errors"

	"github.com/collectiverpc/collective/registry"
	"github.com/collectiverpc/collective/store"
)

// state is what a collector keeps: connections and schemas, in one file or in memory.
type state struct {
	registry *registry.Registry
	file     *store.Store // nil in memory
}

func openState(ctx context.Context, path string, opts ...registry.Option) (*state, error) {
	if path == InMemory {
		schemas, err := registry.New(ctx, opts...)
		return &state{registry: schemas}, err
	}
	file, err := store.Open(path)
	if err != nil {
		return nil, err
	}
	schemas, err := registry.New(ctx, append(opts, registry.WithStore(file))...)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &state{registry: schemas, file: file}, nil
}

// close must come after everything that uses the state.
func (s *state) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
