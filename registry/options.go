package registry

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/origin"
	"github.com/collectiverpc/collective/store"
)

// Option changes a default of [New].
type Option interface{ apply(*options) }

type options struct {
	file      *store.Store                    // nil: in memory
	sources   *descriptorpb.FileDescriptorSet // nil: none
	limits    Limits                          // zero fields: defaults
	authorize func(context.Context) error     // never nil
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithStore keeps what requests register in file, which stays the caller's to close. Default: in memory, so that a
// restart forgets it.
func WithStore(file *store.Store) Option {
	return optionFunc(func(o *options) { o.file = file })
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

// fromThisMachine is who may register by default. It goes by the connection and the headers that browsers cannot forge, see
// package origin.
func fromThisMachine(ctx context.Context) error {
	if origin.ThisMachine(ctx) {
		return nil
	}
	return connect.NewError(connect.CodePermissionDenied,
		"schemas are registered from the collector's own machine only; register there, or start it with an authorisation")
}
