package dispatcher

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"connectrpc.com/connect/v2"
)

// recoverPanics is the outermost interceptor around every handler. The caller is told that the handler panicked and
// nothing else; the panic and its stack go to the log.
func recoverPanics(self string, log *slog.Logger) connect.ServerInterceptor {
	return func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) (err error) {
			defer func() {
				if p := recover(); p != nil {
					log.ErrorContext(ctx, "handler panicked", "procedure", spec.Procedure, "panic", fmt.Sprint(p),
						"stack", string(debug.Stack()))
					err = panicked(self, spec.Procedure)
				}
			}()
			return next(ctx, spec, stream)
		}
	}
}

func panicked(self, procedure string) error {
	r := refuse(connect.CodeInternal, reasonHandlerPanic,
		"the handler of "+spoken(procedure)+" panicked; the log of collector "+quoted(self)+" has the stack")
	r.maybeExecuted = true
	return r.err(self)
}
