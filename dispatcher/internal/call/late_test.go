package call

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
)

func TestTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for left, sent := range map[time.Duration]bool{LeastTime - 1: false, LeastTime: true, time.Hour: true} {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			late := tooLate(ctx)
			cancel()
			if sent != (late == nil) {
				t.Errorf("with %v left: %v", left, late)
			}
			if late != nil && (late.Code != connect.CodeDeadlineExceeded || late.MaybeExecuted || !strings.Contains(late.Message, "not sent")) {
				t.Errorf("with %v left it says %+v", left, late)
			}
		}
		if late := tooLate(t.Context()); late != nil {
			t.Errorf("without a deadline: %v", late)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if late := tooLate(canceled); late == nil || late.Code != connect.CodeCanceled {
			t.Errorf("canceled: %+v", late)
		}
	})
}
