package registry

import (
	"context"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/sqlite"
)

// Option changes a default of [New].
type Option interface{ apply(*options) }

type options struct {
	db        *sqlite.DB
	sources   *descriptorpb.FileDescriptorSet
	limits    Limits
	authorize func(context.Context) error
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithDB keeps what requests register in db, which stays the caller's to close. Default: in memory, so that a restart
// forgets it.
func WithDB(db *sqlite.DB) Option {
	return optionFunc(func(o *options) { o.db = db })
}

// WithSources gives files with comments, as buf build makes them, so that LookupService answers those of this process's
// own services with comments too: what is compiled in has none. Default: none.
func WithSources(files *descriptorpb.FileDescriptorSet) Option {
	return optionFunc(func(o *options) { o.sources = files })
}

// WithLimits bounds what requests can register. Default: see [Limits]. What is stored already is not measured again.
func WithLimits(limits Limits) Option {
	return optionFunc(func(o *options) { o.limits = limits })
}

// WithRegistrar decides who may call RegisterProto and RegisterService; the error of authorize is answered. Default:
// clients on loopback, in no browser page of another site, and this process itself.
func WithRegistrar(authorize func(context.Context) error) Option {
	return optionFunc(func(o *options) { o.authorize = authorize })
}
