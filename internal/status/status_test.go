package status_test

import (
	"errors"
	"fmt"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
)

func TestEveryCodeSurvives(t *testing.T) {
	t.Parallel()
	want := map[connect.Code]int32{
		connect.CodeCanceled: 499, connect.CodeUnknown: 500, connect.CodeInvalidArgument: 400,
		connect.CodeDeadlineExceeded: 504, connect.CodeNotFound: 404, connect.CodeAlreadyExists: 409,
		connect.CodePermissionDenied: 403, connect.CodeResourceExhausted: 429, connect.CodeFailedPrecondition: 400,
		connect.CodeAborted: 409, connect.CodeOutOfRange: 400, connect.CodeUnimplemented: 501,
		connect.CodeInternal: 500, connect.CodeUnavailable: 503, connect.CodeDataLoss: 500,
		connect.CodeUnauthenticated: 401,
	}
	for code := connect.CodeCanceled; code <= connect.CodeUnauthenticated; code++ {
		s := status.FromError(fmt.Errorf("wrapped: %w", connect.NewError(code, "why")))
		if s.GetCode() != want[code] || s.GetMessage() != "why" {
			t.Errorf("%v: %v", code, s)
		}
		err, ok := errors.AsType[*connect.Error](status.Err(s))
		if !ok || err.Code() != code || err.Message() != "why" || !err.IsRemote() {
			t.Errorf("%v came back as %v", code, err)
		}
	}
}

func TestErrOfASeedStatus(t *testing.T) {
	t.Parallel()
	if err := status.Err(status.OK()); err != nil {
		t.Errorf("200 is %v", err)
	}
	for number, want := range map[int32]connect.Code{
		400: connect.CodeInvalidArgument, 401: connect.CodeUnauthenticated, 403: connect.CodePermissionDenied,
		404: connect.CodeNotFound, 409: connect.CodeAlreadyExists, 429: connect.CodeResourceExhausted,
		499: connect.CodeCanceled, 500: connect.CodeInternal, 501: connect.CodeUnimplemented,
		503: connect.CodeUnavailable, 504: connect.CodeDeadlineExceeded, 0: connect.CodeUnknown, 302: connect.CodeUnknown,
	} {
		if got := connect.CodeOf(status.Err(&collector.Status{Code: number})); got != want {
			t.Errorf("%d is %v, want %v", number, got, want)
		}
	}
}

func TestPlainErrorsKeepTheirText(t *testing.T) {
	t.Parallel()
	s := status.FromError(errors.New("password is hunter2"))
	if s.GetCode() != 500 || s.GetMessage() != "" || s.GetDetails()[status.CodeKey] != "unknown" {
		t.Errorf("%v", s)
	}
}

// The text of an error may be any bytes; that of a Status must be UTF-8, or no answer arrives at all.
func TestTextOfAnErrorIsMadeUTF8(t *testing.T) {
	t.Parallel()
	s := status.FromError(connect.NewError(connect.CodeNotFound, "no user \xff\xfe"))
	if _, err := proto.Marshal(s); err != nil || s.GetMessage() != "no user \uFFFD" {
		t.Errorf("%q: %v", s.GetMessage(), err)
	}
}
