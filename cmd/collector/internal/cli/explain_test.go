package cli_test

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// expect checks the exit code and that stderr says all of the words.
func (r ran) expect(t *testing.T, exit int, words ...string) {
	t.Helper()
	if r.exit != exit {
		t.Errorf("exit %d, want %d", r.exit, exit)
	}
	for _, word := range words {
		if !strings.Contains(r.err, word) {
			t.Errorf("stderr does not say %q", word)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", r.out, r.err)
	}
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	address := meshtest.FreeAddress(t)
	for _, protocol := range []string{"connect", "grpc", "grpcweb"} {
		shell{}.on(t, address, "status", "--protocol", protocol).expect(t, 3, "no collector answers at http://"+address,
			"connection refused", "collector serve")
	}
}

func TestUnknownHost(t *testing.T) {
	t.Parallel()
	shell{}.on(t, "http://no-such-host.invalid:1", "status").expect(t, 3, "no-such-host.invalid", "check the address")
}

func TestNotACollector(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "teapot/1")
		http.Error(w, "short and stout", http.StatusTeapot)
	}))
	defer web.Close()
	shell{}.on(t, web.URL, "status").expect(t, 3, "is not a collector", "418", "text/plain", "teapot/1")
}

func TestTLSMismatch(t *testing.T) {
	t.Parallel()
	plain := newFake(t, fakeMesh{})
	wrong := strings.Replace(plain, "http:", "https:", 1)
	shell{}.on(t, wrong, "status").expect(t, 3, "speaks plain HTTP", "collector status -s "+plain)

	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it has much to say of such clients
	secure.StartTLS()
	defer secure.Close()
	wrong = strings.Replace(secure.URL, "https:", "http:", 1)
	shell{}.on(t, wrong, "status").expect(t, 3, "speaks TLS", "collector status -s "+secure.URL)
	shell{}.on(t, secure.URL, "status").expect(t, 3, "certificate", "not trusted", "--cacert")
	shell{}.on(t, secure.URL, "status", "--insecure").expect(t, 3, "is not a collector", "404")

	authority := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(authority, block, 0o600); err != nil {
		t.Fatal(err)
	}
	shell{}.on(t, secure.URL, "status", "--cacert", authority).expect(t, 3, "is not a collector", "404")
	shell{}.on(t, secure.URL, "status", "--cacert", "/nowhere").expect(t, 2, "--cacert")
	shell{}.on(t, secure.URL, "status", "--cert", authority).expect(t, 2, "--cert and --key belong together")
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for code, exit := range map[connect.Code]int{
		connect.CodeUnauthenticated: 4, connect.CodePermissionDenied: 71, connect.CodeUnavailable: 78, connect.CodeInternal: 77,
	} {
		server := newFake(t, fakeMesh{err: connect.NewError(code, "because")})
		for _, protocol := range []string{"connect", "grpc", "grpcweb"} {
			shell{}.on(t, server, "status", "--protocol", protocol).expect(t, exit, "error: because  ("+code.String()+")")
		}
	}
}

func TestCallFailureDetailIsTold(t *testing.T) {
	t.Parallel()
	detail, err := connectproto.NewErrorDetail(&meshv1.CallFailure{
		Reason: "link_lost", MaybeExecuted: true, Route: []string{"a", "b"},
		Candidates: []*meshv1.Candidate{{CollectorId: "c", Reason: "connection is closed"}}, OmittedCandidates: 1008,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := newFake(t, fakeMesh{err: connect.NewError(connect.CodeUnavailable, "lost").WithDetail(detail)})
	shell{}.on(t, server, "status").expect(t, 78, "route a → b", "may have run", "c: connection is closed", "and 1008 more")
	shell{}.on(t, server, "status", "--json").expect(t, 78, `"reason":"link_lost"`, `"route":["a","b"]`)
}

// hanging never answers.
type hanging struct{ fakeMesh }

func (hanging) GetStatus(ctx context.Context, _ *meshv1.GetStatusRequest) (*meshv1.GetStatusResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	shell{}.on(t, newFake(t, hanging{}), "status", "--timeout", "100ms").expect(t, 68, "--timeout 100ms", "deadline_exceeded")
}

// Nobody answers there (the address is for documentation), or the network says so at once.
func TestTimeoutBeforeAnybodyAnswers(t *testing.T) {
	t.Parallel()
	shell{}.on(t, "http://192.0.2.1:9", "status", "--timeout", "50ms").expect(t, 3, "192.0.2.1")
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	shell{}.run(ctx, "status", "-s", newFake(t, hanging{})).expect(t, 130, "interrupted")
}

func TestDebugShowsTheWireWithoutSecrets(t *testing.T) {
	t.Parallel()
	got := shell{}.on(t, newFake(t, fakeMesh{}), "status", "--debug", "-H", "Authorization: Bearer hunter2", "-H", "X-Trace: 7")
	got.expect(t, 0, "MeshService/GetStatus", "X-Trace: 7", "200 OK", "(hidden)")
	if strings.Contains(got.err, "hunter2") {
		t.Error("the secret is shown")
	}
}
