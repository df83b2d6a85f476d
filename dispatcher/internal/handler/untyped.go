package handler

import (
	"context"
	"errors"
	"log/slog"
	"strconv"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher/internal/payload"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// Untyped is a method that takes and returns a google.protobuf.Any, of which its function knows Go values only.
type Untyped struct {
	Self      string // the collector's id
	Procedure string
	Log       *slog.Logger // hears all of an error of which callers get less
	// Types are those of the namespace, for messages that are not linked in.
	Types func() descriptor.Resolver
	// Validate says what is wrong with an input; nil if nothing is.
	Validate func(ctx context.Context, in *anypb.Any) *refusal.Refusal
}

// Handler makes a ServerFunc of the method, see dispatcher.ServiceHandler.
// An input that does not decode or is not valid is a refusal of the mesh's own: serve never sees it. An output that has no
// message is the handler's mistake and an internal error. serve may be called from many goroutines at once.
func (u Untyped) Handler(serve func(ctx context.Context, input any) (any, error)) connect.ServerFunc {
	receive := func() any { return new(anypb.Any) }
	return Unary(receive, func(ctx context.Context, in any) (any, error) {
		packed := in.(*anypb.Any) //nolint:forcetypeassert // receive made it
		if r := u.Validate(ctx, packed); r != nil {
			return nil, r.Err(u.Self)
		}
		input, r := payload.ToGo(packed, u.Types)
		if r != nil {
			return nil, r.Err(u.Self)
		}
		output, err := serve(ctx, input)
		if err != nil {
			return nil, u.told(ctx, err)
		}
		out, err := payload.ToAny(output)
		if err != nil {
			return nil, connect.NewError(connect.CodeInternal, "the handler of "+refusal.Spoken(u.Procedure)+" "+err.Error())
		}
		return out, nil
	})
}

// told is what the caller of an untyped handler is told of its error: the text, whatever the error is. The end
// of the caller's own time is the mesh's to tell.
// A connect.Error of the handler's own goes on as it is; one that was wrapped keeps its code and details but gets the whole
// text. Only what is changed on the way is logged, since only of that somebody gets less than the handler said.
func (u Untyped) told(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil && errors.Is(err, over) || err == context.Canceled || err == context.DeadlineExceeded { //nolint:errorlint // nothing was added to say
		return err
	}
	own, ok := errors.AsType[*connect.Error](err)
	if ok && (own.IsRemote() || own == err) { //nolint:errorlint // one that is wrapped has more text
		return err
	}
	u.Log.WarnContext(ctx, "handler failed", slog.String("procedure", u.Procedure), slog.Any("error", err))
	if !ok {
		return connect.NewError(codeOf(err), shortened(err.Error())).WithCause(err)
	}
	told := connect.NewError(own.Code(), shortened(err.Error())).WithCause(err)
	for _, detail := range own.Details() {
		told = told.WithDetail(detail)
	}
	return told
}

// shortened keeps a text out of the limits that clients have for trailers; the log has all of it.
// The text is cut at a byte, which the wire's encoding of it copes with.
func shortened(text string) string {
	const longest = 4 << 10
	if len(text) <= longest {
		return text
	}
	return text[:longest] + "… (" + strconv.Itoa(len(text)-longest) + " more bytes in the log)"
}

// codeOf is the code of a handler's error that has none of its own.
func codeOf(err error) connect.Code {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return connect.CodeDeadlineExceeded
	case errors.Is(err, context.Canceled):
		return connect.CodeCanceled
	}
	return connect.CodeUnknown
}
