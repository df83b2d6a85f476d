package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/schema"
)

// breakingError refuses changes after which old and new programs misunderstand each other.
type breakingError struct{ changes []schema.Change }

// breaking is the error for changes of which at least one breaks something; nil if none does.
func breaking(changes []schema.Change) error {
	for _, change := range changes {
		if change.Breaking() {
			return &breakingError{changes}
		}
	}
	return nil
}

// Error tells the breaking changes only, the first of them if there are many; the detail of the Connect error has all.
func (e *breakingError) Error() string {
	var text []string
	for _, change := range e.changes {
		if change.Breaking() && len(text) < descriptor.MaxReasons {
			text = append(text, change.String())
		}
	}
	return ErrBreaking.Error() + ": " + strings.Join(text, "; ")
}

func (e *breakingError) Unwrap() error { return ErrBreaking }

// reportOf is the changes as the contract tells them, in their order.
func reportOf(changes []schema.Change) *collector.SchemaReport {
	report := new(collector.SchemaReport)
	for _, change := range changes {
		report.Changes = append(report.Changes, &collector.SchemaChange{
			Rule: change.Rule, Element: change.Element, Message: change.Message, Breaking: change.Breaking(),
		})
	}
	return report
}

// refused makes the Connect error of a registration that failed. All of the text is about what the caller sent, except
// that a store which fails says no more than that.
func refused(err error, format string, args ...any) error {
	subject := fmt.Sprintf(format, args...)
	code := codeOf(err)
	if code == connect.CodeUnavailable {
		return connect.NewError(code, subject+" could not be stored: try again, or see the log of the collector").WithCause(err)
	}
	refusal := connect.NewError(code, subject+" refused: "+err.Error()).WithCause(err)
	if breaking, ok := errors.AsType[*breakingError](err); ok {
		detail, detailErr := connectproto.NewErrorDetail(reportOf(breaking.changes))
		return refusal.WithDetail(detail).WithCause(detailErr)
	}
	return refusal
}

// codeOf is the code of the first reason that fits, from the one that says most to the one that says least. What is none of
// them is the store's: the request was good, and may be tried again.
func codeOf(err error) connect.Code {
	for _, known := range []struct {
		err  error
		code connect.Code
	}{
		{ErrReserved, connect.CodePermissionDenied},
		{ErrTooLarge, connect.CodeResourceExhausted},
		{ErrMalformed, connect.CodeInvalidArgument},
		{ErrConflict, connect.CodeAlreadyExists},
		{ErrBreaking, connect.CodeFailedPrecondition},
		{ErrNotRegistered, connect.CodeNotFound},
		{context.Canceled, connect.CodeCanceled},
		{context.DeadlineExceeded, connect.CodeDeadlineExceeded},
	} {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	return connect.CodeUnavailable
}

// okStatus is what the seed's contract has in every answer.
func okStatus() *collector.Status { return &collector.Status{Code: 200} }
