package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// Recovery makes an error of a panic. It is around every handler, and wherever else the code of others runs or a panic
// would end the process: interceptors, validators, what forwards a call.
type Recovery struct {
	Self string
	Log  *slog.Logger
}

// Rescue is deferred. The caller is told that there was a panic and nothing else; the panic and its stack go to the log.
func (r *Recovery) Rescue(ctx context.Context, procedure string, err *error) {
	if p := recover(); p != nil {
		r.Log.ErrorContext(ctx, "handler panicked", "procedure", procedure, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = panicked(r.Self, procedure)
	}
}

// Intercept is the outermost interceptor around every handler. Where no interceptor of the program has passed it on
// either, the error of another collector's handler ends here.
func (r *Recovery) Intercept(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) (err error) {
		defer r.Rescue(ctx, spec.Procedure, &err)
		return ownWords(spec.Procedure, next(ctx, spec, stream))
	}
}

func panicked(self, procedure string) error {
	r := refusal.New(connect.CodeInternal, mesh.ReasonHandlerPanic,
		"handling "+refusal.Spoken(procedure)+" panicked; the log of collector "+refusal.Quoted(self)+" has the stack")
	r.MaybeExecuted = true
	return r.Err(self)
}

// ownWords is what the caller of a handler is told that answered with the error of a call of its own and has not passed
// it on.
func ownWords(procedure string, err error) error {
	remote, ok := errors.AsType[*connect.Error](err)
	if !ok || !remote.IsRemote() {
		return err
	}
	return connect.Errorf(connect.CodeInternal, "the handler of %s answered with the error of a call that it had made, which was %s: "+
		"it passes that on by dispatcher.PassOn, or answers with an error of its own", refusal.Spoken(procedure), remote.Code()).WithCause(err)
}
