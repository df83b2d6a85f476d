package conn_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// strangersMost is what a link may hold for somebody who has proved a key and agreed on nothing.
const strangersMost = 64 << 10

// define opens calls by names of their own until the link ends, and returns how many bytes of names crossed.
func define(ctx context.Context, l *link.Link, names int) (sent int) {
	for i := range names {
		call := link.Call{Spec: connect.Spec{Procedure: fmt.Sprintf("/x.Y/M%d", i)}, Caller: strings.Repeat("x", 1000)}
		stream, err := l.Open(ctx, call)
		if err != nil {
			return sent
		}
		_ = stream.Send(&link.Raw{})
		_ = stream.Close()
		sent += len(call.Spec.Procedure) + len(call.Caller)
	}
	return sent
}

// TestStrangerHoldsLittle has somebody link who proves a key, and agrees on nothing: names and catalogs beyond 64 KiB end the link,
// a message beyond them is refused, and so is a second call at once.
func TestStrangerHoldsLittle(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"users"})
	for name, attack := range map[string]func(t *testing.T, l *link.Link){
		"names": func(t *testing.T, l *link.Link) {
			define(t.Context(), l, 4096)
			wantEnded(t, l)
		},
		"a catalog": func(t *testing.T, l *link.Link) {
			_ = l.Announce(1, make([]byte, strangersMost+1<<10))
			wantEnded(t, l)
		},
		"a message": func(t *testing.T, l *link.Link) {
			client := collectorconnect.NewCollectiveDispatcherClient(ownServices(l))
			for range 3 { // one after the other: the call is refused, not the link
				_, err := client.Connect(t.Context(), request("a", strings.Repeat("x", strangersMost)))
				if connect.CodeOf(err) != connect.CodeResourceExhausted {
					t.Errorf("%v, want resource_exhausted", err)
				}
			}
		},
		"a second call": func(t *testing.T, l *link.Link) {
			open := func() connect.ClientStream {
				spec := connect.Spec{Procedure: meshv1connect.MeshServiceDisconnectProcedure, StreamType: connect.StreamTypeBidi}
				stream, err := l.Open(t.Context(), link.Call{Spec: spec})
				if err != nil {
					t.Fatal(err)
				}
				if err := stream.SendHeaders(); err != nil {
					t.Fatal(err)
				}
				return stream
			}
			defer open().Close()
			if err := open().Receive(new(meshv1.DisconnectResponse)); connect.CodeOf(err) != connect.CodeResourceExhausted {
				t.Errorf("%v, want resource_exhausted", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attack(t, intruder(t, b, nil, "stranger"))
		})
	}
}

func wantEnded(t *testing.T, l *link.Link) {
	t.Helper()
	select {
	case <-l.Done():
	case <-time.After(4 * time.Second): // without an agreement it ends after 5 s in any case
		t.Error("the link goes on")
	}
}

// TestAgreedHoldMore wants a link that has agreed to have the bounds of any link: many names, large messages, calls at once.
func TestAgreedHoldMore(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"users"})
	l := intruder(t, b, nil, "a")
	client := collectorconnect.NewCollectiveDispatcherClient(ownServices(l))
	for i := range 20 { // one after the other, and none is in the way of the next
		if answer, err := client.Connect(t.Context(), request("a", "users")); err != nil || answer.GetStatus().GetCode() != 200 {
			t.Fatalf("call %d: %v, %v", i, answer, err)
		}
	}
	if sent := define(t.Context(), l, 500); sent < 4*strangersMost || l.Err() != nil {
		t.Errorf("%d bytes of names, and the link: %v", sent, l.Err())
	}
	if _, err := client.Connect(t.Context(), request("a", strings.Repeat("x", 1<<20))); connect.CodeOf(err) == connect.CodeResourceExhausted {
		t.Error(err)
	}
}

// TestManyNamespaces wants collectors with all the namespaces that there may be, with the longest names, to agree on them: their
// request is larger than what a link holds for a stranger.
func TestManyNamespaces(t *testing.T) {
	t.Parallel()
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("n%062d", i)
	}
	a, b := start(t, "a", many), start(t, "b", many)
	for again := range 2 { // over a new link, and over one that is agreed
		if answer := connectTo(t, a, b); len(answer.GetSharedNamespaces()) != len(many) {
			t.Fatalf("try %d: %d namespaces are shared", again, len(answer.GetSharedNamespaces()))
		}
	}
	b.mustAsk(t, many[999], fmt.Sprintf("a/%s: hello", many[999]))
	a.mustAsk(t, many[0], fmt.Sprintf("b/%s: hello", many[0]))
}
