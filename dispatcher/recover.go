package dispatcher

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"connectrpc.com/connect/v2"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// recovery makes an error of a panic. It is around every handler, and wherever else the code of others runs or a panic
// would end the process: interceptors, validators, what forwards a call.
type recovery struct {
	self string
	log  *slog.Logger
}

// rescue is deferred. The caller is told that there was a panic and nothing else; the panic and its stack go to the log.
func (r *recovery) rescue(ctx context.Context, procedure string, err *error) {
	if p := recover(); p != nil {
		r.log.ErrorContext(ctx, "handler panicked", "procedure", procedure, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = panicked(r.self, procedure)
	}
}

// intercept is the outermost interceptor around every handler. Where no interceptor of the program has passed it on
// either, the error of another collector's handler ends here.
func (r *recovery) intercept(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) (err error) {
		defer r.rescue(ctx, spec.Procedure, &err)
		return ownWords(spec.Procedure, next(ctx, spec, stream))
	}
}

func panicked(self, procedure string) error {
	r := refusal.New(connect.CodeInternal, mesh.ReasonHandlerPanic,
		"handling "+refusal.Spoken(procedure)+" panicked; the log of collector "+refusal.Quoted(self)+" has the stack")
	r.MaybeExecuted = true
	return r.Err(self)
}
