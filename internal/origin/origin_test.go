package origin_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectinprocess"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/internal/origin"
)

// witness answers whether its caller is on this machine.
type witness struct {
	collectorconnect.UnimplementedCollectorRegistryHandler
}

func (witness) ValidateMethod(ctx context.Context, _ *collector.ValidateMethodRequest) (*collector.ValidateMethodResponse, error) {
	return &collector.ValidateMethodResponse{IsValid: origin.ThisMachine(ctx)}, nil
}

func server() *connect.Server {
	s := connect.NewServer()
	collectorconnect.RegisterCollectorRegistryHandler(s, witness{})
	return s
}

func TestThisMachineOverHTTP(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server())
	for _, tt := range []struct {
		address, header, value string
		want                   bool
	}{
		{"127.0.0.1:1234", "", "", true},
		{"127.8.8.8:1", "", "", true},
		{"[::1]:1234", "", "", true},
		{"[::ffff:127.0.0.1]:1234", "", "", true},
		{"10.0.0.1:1234", "", "", false},
		{"[::ffff:10.0.0.1]:1234", "", "", false},
		{"0.0.0.0:1234", "", "", false},
		{"localhost:1234", "", "", false}, // an accepted connection has a number
		{"127.0.0.1", "", "", false},
		{"", "", "", false},
		{"127.0.0.1:1", "X-Forwarded-For", "127.0.0.1", false},
		{"127.0.0.1:1", "Forwarded", "for=10.0.0.1", false},
		{"127.0.0.1:1", "X-Real-Ip", "10.0.0.1", false},
		{"127.0.0.1:1", "Sec-Fetch-Site", "cross-site", false},
		{"127.0.0.1:1", "Sec-Fetch-Site", "same-site", false},
		{"127.0.0.1:1", "Sec-Fetch-Site", "same-origin", true},
		{"127.0.0.1:1", "Sec-Fetch-Site", "none", true},
		{"127.0.0.1:1", "Origin", "http://example.com", false}, // the Host of these requests: a name that points here
		{"127.0.0.1:1", "Origin", "http://127.0.0.1:2", false},
		{"127.0.0.1:1", "Origin", "null", false},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, collectorconnect.CollectorRegistryValidateMethodProcedure, strings.NewReader("{}"))
		req.RemoteAddr = tt.address
		req.Header.Set("Content-Type", "application/json")
		if tt.header != "" {
			req.Header.Set(tt.header, tt.value)
		}
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, req)
		body, _ := io.ReadAll(answer.Body)
		if got := strings.Contains(string(body), `"isValid":true`); answer.Code != http.StatusOK || got != tt.want {
			t.Errorf("%s %s=%s: %d %s, want %v", tt.address, tt.header, tt.value, answer.Code, body, tt.want)
		}
	}
}

func TestThisMachineInProcess(t *testing.T) {
	t.Parallel()
	client := collectorconnect.NewCollectorRegistryClient(connect.NewClient(connectinprocess.New(server())))
	answer, err := client.ValidateMethod(t.Context(), &collector.ValidateMethodRequest{})
	if err != nil || !answer.GetIsValid() {
		t.Errorf("in process: %v, %v", answer, err)
	}
	if !origin.ThisMachine(t.Context()) {
		t.Error("no call at all")
	}
}

func TestThisMachineOverALink(t *testing.T) {
	t.Parallel()
	info := &connect.CallInfo{Protocol: "link", PeerAddr: "127.0.0.1:1"}
	stream := &oneAnswer{}
	err := server().Call(t.Context(), collectorconnect.CollectorRegistryValidateMethodProcedure, info, stream)
	if err != nil || stream.answer.GetIsValid() {
		t.Errorf("another collector: %v, %v", stream.answer, err)
	}
}

// oneAnswer is a stream with an empty request.
type oneAnswer struct {
	connect.ServerStream
	received bool
	answer   *collector.ValidateMethodResponse
}

func (s *oneAnswer) Receive(any) error {
	if s.received {
		return io.EOF
	}
	s.received = true
	return nil
}

func (s *oneAnswer) Send(message any) error {
	s.answer = message.(*collector.ValidateMethodResponse)
	return nil
}

func (s *oneAnswer) SendHeaders() error { return nil }
