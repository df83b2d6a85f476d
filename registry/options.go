package registry

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/access"
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

// WithRegistrar decides who may call RegisterProto and RegisterService, besides what the collector decides that serves the
// registry; the error of authorize is answered. Default: whom the collector lets register, see dispatcher.WithAccess, and this
// process itself. Behind a server that is no collector's nobody else may.
func WithRegistrar(authorize func(context.Context) error) Option {
	return optionFunc(func(o *options) { o.authorize = authorize })
}

// byCollector is who may register by default. A call with a caller has passed a collector, which has decided that this one may.
func byCollector(ctx context.Context) error {
	if _, decided := access.CallerFromContext(ctx); decided {
		return nil
	}
	if info, served := connect.CallInfoForServerContext(ctx); !served || info.Protocol == "" && info.PeerAddr == "" { // in process
		return nil
	}
	return connect.NewError(connect.CodePermissionDenied,
		"nobody has decided who may register here: let a collector serve the registry (dispatcher.WithRegistry), or give it registry.WithRegistrar")
}
