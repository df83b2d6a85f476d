package conn_test

import (
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
)

// wantAgreed fails unless the answer to a seed's Connect is a's own, for these namespaces.
func wantAgreed(t *testing.T, answer *collector.ConnectResponse, shared ...string) {
	t.Helper()
	if answer.GetStatus().GetCode() != 200 || answer.GetTargetCollectorId() != "a" ||
		answer.GetConnectionId() != conn.ConnectionID("a", "seed-1") || cmp.Diff(shared, answer.GetSharedNamespaces()) != "" {
		t.Errorf("the seed's Connect was answered %v, want collector a and %v", answer, shared)
	}
}

func serveAt(t *testing.T, address string, like *http.Server) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	again := &http.Server{Handler: like.Handler, Protocols: like.Protocols}
	go again.Serve(listener) //nolint:errcheck // it ends with Close
	t.Cleanup(func() { again.Close() })
}

func callSeed(t *testing.T, a *node) error {
	t.Helper()
	p, ok := a.Table().Peer("seed-1")
	if !ok {
		t.Fatal("the seed peer is not known")
	}
	return call(t.Context(), p, connect.Spec{Procedure: "/U/G"}, &anypb.Any{}, &anypb.Any{})
}

// The answer to a seed peer that this side dialled first names this side and what is shared by that very request: the
// peer calls us by the id and in the namespaces of the answer.
func TestSeedPeerThatWasDialledIsToldWhoAnswers(t *testing.T) {
	t.Parallel()
	_, address, _ := startSeed(t, "seed-1")
	a := start(t, "a", []string{"orders", "users"})
	if _, err := a.ConnectTo(t.Context(), address, nil); err != nil {
		t.Fatal(err)
	}
	wantAgreed(t, plainConnect(t, a, request("seed-1", "users")), "users")
	wantAgreed(t, plainConnect(t, a, request("seed-1", "users", "orders", "other")), "orders", "users")
	wantAgreed(t, plainConnect(t, a, request("seed-1", "other")))
	if err := callSeed(t, a); err != nil {
		t.Errorf("a call after that: %v", err)
	}
}

// A seed peer that restarted connects again, before this side has noticed, and after: it is answered and can be called.
func TestSeedPeerThatRestartedCanBeCalled(t *testing.T) {
	t.Parallel()
	for _, noticed := range []bool{false, true} {
		_, address, server := startSeed(t, "seed-1")
		a := start(t, "a", []string{"orders", "users"})
		if _, err := a.ConnectTo(t.Context(), address, nil); err != nil {
			t.Fatal(err)
		}
		server.Close()
		if noticed {
			if err := callSeed(t, a); connect.CodeOf(err) != connect.CodeUnavailable {
				t.Fatalf("a call to a dead seed peer: %v", err)
			}
			a.awaitState(t, "seed-1", stale)
		}
		serveAt(t, address, server)
		wantAgreed(t, plainConnect(t, a, request("seed-1", "users")), "users")
		a.awaitState(t, "seed-1", active)
		err := callSeed(t, a)
		if err != nil && !noticed { // that call noticed
			a.awaitState(t, "seed-1", active)
			err = callSeed(t, a)
		}
		if err != nil {
			t.Errorf("noticed %v, a call after the restart: %v", noticed, err)
		}
	}
}

// What was dialled by the seed's protocol is known as such after this side has restarted, although nobody answers there.
func TestSeedPeerIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	_, address, server := startSeed(t, "seed-1")
	a, closeStore := startOn(t, path, "127.0.0.1:0", "a")
	if _, err := a.ConnectTo(t.Context(), address, nil); err != nil {
		t.Fatal(err)
	}
	server.Close()
	a.stop()
	closeStore()
	a, _ = startOn(t, path, a.address, "a")
	if err := a.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantAgreed(t, plainConnect(t, a, request("seed-1", "users")), "users")
	serveAt(t, address, server)
	a.awaitState(t, "seed-1", active)
	if err := callSeed(t, a); err != nil {
		t.Error(err)
	}
}
