package dispatcher_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// clock answers how many seconds its caller has left.
type clock struct {
	testingv1connect.UnimplementedEchoServiceHandler
}

func (clock) Echo(ctx context.Context, _ *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return &testingv1.EchoResponse{Text: "unbounded"}, nil
	}
	return &testingv1.EchoResponse{Text: fmt.Sprintf("left=%d;", int(time.Until(deadline).Seconds()))}, nil
}

// What a client says of its time, in the headers of Connect and gRPC: where the call enters decides, wherever it runs.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	p := newWatchedPair(t, clock{})
	const byConnect, byGRPC = "Connect-Timeout-Ms", "Grpc-Timeout"
	for _, tt := range []struct {
		header, value string
		ends          string // the code of an answer that no handler gave
		atMost        int    // seconds that the handler has
	}{
		{byConnect, "", "", 30},
		{byConnect, "20000", "", 20},
		{byConnect, "9999999999", "", 300}, // the longest that there is, cut to five minutes
		{byConnect, "0", "deadline_exceeded", 0},
		{byConnect, "-1", "invalid_argument", 0},
		{byConnect, "x", "invalid_argument", 0},
		{byConnect, "1.5", "invalid_argument", 0},
		{byConnect, "99999999999", "invalid_argument", 0}, // eleven digits
		{byConnect, "1000000000000000000", "invalid_argument", 0},
		{byGRPC, "", "", 30},
		{byGRPC, "20S", "", 20},
		{byGRPC, "20000m", "", 20},
		{byGRPC, "99999999S", "", 300},
		{byGRPC, "99999999H", "", 30}, // longer than a time can be: as if it was not there
		{byGRPC, "0m", "4", 0},
		{byGRPC, "-1S", "3", 0},
		{byGRPC, "1", "3", 0},
		{byGRPC, "S", "3", 0},
		{byGRPC, "5X", "3", 0},
		{byGRPC, "123456789S", "3", 0}, // nine digits
	} {
		for _, n := range []node{p.a, p.b} {
			ended, left := timed(t, n, tt.header, tt.value)
			if ended != tt.ends || left > tt.atMost || tt.ends == "" && left < tt.atMost-10 {
				t.Errorf("%s: %q at %s: ends with %q, %d s left; want %q, %d s", tt.header, tt.value, n.ID(), ended, left, tt.ends, tt.atMost)
			}
		}
	}
	p.quiet(t, "all")
}

// timed makes a call and returns how it failed, or how many seconds its handler had.
func timed(t *testing.T, n node, header, value string) (ended string, left int) {
	t.Helper()
	contentType, body := "application/json", "{}"
	if header == "Grpc-Timeout" {
		contentType, body = "application/grpc", "\x00\x00\x00\x00\x00"
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+testingv1connect.EchoServiceEchoProcedure, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if value != "" {
		req.Header.Set(header, value)
	}
	res, text := roundTrip(t, meshtest.HTTP2Client(t), req)
	if _, rest, ok := strings.Cut(text, "left="); ok {
		seconds, _, _ := strings.Cut(rest, ";")
		left, err = strconv.Atoi(seconds)
		if err != nil {
			t.Fatal(err)
		}
		return "", left
	}
	if _, rest, ok := strings.Cut(text, `"code":"`); ok {
		ended, _, _ = strings.Cut(rest, `"`)
		return ended, 0
	}
	return res.Header.Get("Grpc-Status") + res.Trailer.Get("Grpc-Status"), 0
}
