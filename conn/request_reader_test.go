package conn_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
)

// TestSeedPeersIntroduceThemselvesAsTheyLike: the seed has no rule for names and asks for none.
func TestSeedPeersIntroduceThemselvesAsTheyLike(t *testing.T) {
	t.Parallel()
	named := func(id string, namespaces ...string) *collector.ConnectRequest {
		return &collector.ConnectRequest{Namespaces: namespaces, Metadata: map[string]string{"collector_id": id}}
	}
	at := func(address string, req *collector.ConnectRequest) *collector.ConnectRequest {
		req.Address = address
		return req
	}
	unnamed := func(namespaces ...string) *collector.ConnectRequest {
		return &collector.ConnectRequest{Namespaces: namespaces}
	}
	tests := []struct {
		name    string
		req     *collector.ConnectRequest
		peer    string // or how it begins
		derived bool
		shared  []string
		leftOut []string
		address string
	}{
		{"capitals and _", at("127.0.0.1:9", named("Collector_1", "Users_PROD")), "Collector_1", false, []string{"Users_PROD"}, nil, "127.0.0.1:9"},
		{"no id", at("localhost:50052", unnamed("users")), "seed-localhost-50052", true, []string{"users"}, nil, "localhost:50052"},
		{"no id, IPv6", at("[::1]:50052", unnamed("users")), "seed-", true, []string{"users"}, nil, "[::1]:50052"},
		{"no id, no address", unnamed("users"), "seed-", true, []string{"users"}, nil, ""},
		{"nothing at all", unnamed(), "seed-", true, nil, nil, ""},
		{"an id that is none here", named("eu/west 1", "users"), "seed-", true, []string{"users"}, []string{`collector id "eu/west 1"`}, ""},
		{"a foreign namespace", named("s", "a b", "users"), "s", false, []string{"users"}, []string{`namespace "a b"`}, ""},
		{"reserved namespaces", named("s", "system", "System/connections", "users"), "s", false, []string{"users"}, []string{`namespace "system" is reserved`, `"System/connections"`}, ""},
		{"only foreign namespaces", named("s", "@"), "s", false, nil, []string{`namespace "@"`}, ""},
		{"an address without a host", at(":50051", named("s", "users")), "s", false, []string{"users"}, []string{`address ":50051"`}, ""},
		{"an address of gRPC", at("unix:///x", unnamed("users")), "seed-", true, []string{"users"}, []string{`address "unix:///x"`}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := start(t, "b", []string{"users", "Users_PROD"})
			answer := plainConnect(t, b, tt.req)
			if s := answer.GetStatus(); s.GetCode() != 200 || s.GetMessage() != "OK" {
				t.Fatalf("answered %v", answer)
			}
			peers := b.Table().Peers()
			if len(peers) != 1 || !strings.HasPrefix(peers[0].ID, tt.peer) || peers[0].Address != tt.address || peers[0].State != active {
				t.Fatalf("the peers are %+v", peers)
			}
			if diff := cmp.Diff(tt.shared, answer.GetSharedNamespaces()); diff != "" {
				t.Errorf("shared (-want +got):\n%s", diff)
			}
			wantRemarks(t, answer, peers[0].ID, tt.derived, tt.leftOut)
			again := plainConnect(t, b, tt.req)
			if again.GetConnectionId() != answer.GetConnectionId() || len(b.Table().Peers()) != 1 {
				t.Errorf("the second time it is another one: %v", again)
			}
		})
	}
}

func wantRemarks(t *testing.T, answer *collector.ConnectResponse, peer string, derived bool, leftOut []string) {
	t.Helper()
	details := answer.GetStatus().GetDetails()
	if got, said := details["known_as"]; said != derived || said && got != peer {
		t.Errorf("known_as is %q (%v), the peer %q", got, said, peer)
	}
	if got, said := details["left_out"]; said != (len(leftOut) > 0) {
		t.Errorf("left_out is %q (%v)", got, said)
	}
	for _, want := range leftOut {
		if !strings.Contains(details["left_out"], want) {
			t.Errorf("left_out is %q, without %q", details["left_out"], want)
		}
	}
}

// TestUnnamedCallersAreToldApart by address, else by what they have.
func TestUnnamedCallersAreToldApart(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"orders", "users"})
	requests := []*collector.ConnectRequest{
		{Address: "10.0.0.1:50051"}, {Address: "10.0.0.1:50052"}, {Address: "10.0.0.2:50051"},
		{Address: "[::1]:50051"}, {Address: "[::2]:50051"}, {Address: "not an address"},
		{Namespaces: []string{"orders"}}, {Namespaces: []string{"users"}}, {Namespaces: []string{"orders", "users"}},
	}
	for i, req := range requests {
		if answer := plainConnect(t, b, req); answer.GetStatus().GetCode() != 200 {
			t.Errorf("%v: %v", req, answer)
		}
		if n := len(b.Table().Peers()); n != i+1 {
			t.Fatalf("%v: %d peers, want %d", req, n, i+1)
		}
	}
}

func TestWhatIsLeftOutIsBounded(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"users"})
	req := request("s", "users")
	for i := range 999 {
		req.Namespaces = append(req.Namespaces, fmt.Sprintf("%d %s", i, strings.Repeat("\x01", 1000)))
	}
	answer := plainConnect(t, b, req)
	said := answer.GetStatus().GetDetails()["left_out"]
	if cmp.Diff([]string{"users"}, answer.GetSharedNamespaces()) != "" || !strings.HasSuffix(said, "and 991 more") || len(said) > 4<<10 {
		t.Errorf("%d bytes: %.4000s", len(said), said)
	}
	req.Namespaces = append(req.Namespaces, "x")
	if answer := plainConnect(t, b, req); answer.GetStatus().GetCode() != 400 || !strings.Contains(answer.GetStatus().GetMessage(), "at most 1000") {
		t.Errorf("too many: %v", answer)
	}
}

func TestSeedPeerCannotBeTheCollectorItself(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"users"})
	if answer := plainConnect(t, b, request("b", "users")); answer.GetStatus().GetCode() != 400 || !strings.Contains(answer.GetStatus().GetMessage(), "itself") {
		t.Errorf("answered %v", answer)
	}
}

// TestUnnamedCallerIsThePeerAtItsAddress: a seed collector connects from both sides, and need not name itself.
func TestUnnamedCallerIsThePeerAtItsAddress(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"Seed_1", "", "no id/of ours"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			_, address, _ := startSeed(t, id)
			a := start(t, "a", []string{"users"})
			answer, err := a.ConnectTo(t.Context(), address, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := id
			if id != "Seed_1" {
				host, port, _ := net.SplitHostPort(address)
				want = "seed-" + host + "-" + port
			}
			if answer.GetTargetCollectorId() != want || cmp.Diff([]string{"users"}, answer.GetSharedNamespaces()) != "" {
				t.Fatalf("ConnectTo answered %v, want %s", answer, want)
			}
			back := plainConnect(t, a, &collector.ConnectRequest{Address: address, Namespaces: []string{"users"}})
			if back.GetStatus().GetCode() != 200 || back.GetConnectionId() != answer.GetConnectionId() || len(a.Table().Peers()) != 1 {
				t.Errorf("the seed's Connect was answered %v", back)
			}
			p, _ := a.Table().Peer(want)
			if err := call(t.Context(), p, connect.Spec{Procedure: "/U/G"}, &anypb.Any{}, &anypb.Any{}); err != nil {
				t.Errorf("a call to %s: %v", want, err)
			}
		})
	}
}

// TestSeedPeerThatNamesMoreThanItWasOffered shares what it was offered.
func TestSeedPeerThatNamesMoreThanItWasOffered(t *testing.T) {
	t.Parallel()
	_, address, _ := startSeed(t, "seed-1") // it answers `users`, whatever it is asked
	a := start(t, "a", []string{"orders"})
	answer, err := a.ConnectTo(t.Context(), address, nil)
	if err != nil || len(answer.GetSharedNamespaces()) != 0 {
		t.Errorf("ConnectTo answered %v, %v", answer, err)
	}
}

// TestCallerWithACertificateNeedsNoName, but goes by no other.
func TestCallerWithACertificateNeedsNoName(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	b := ca.startSecured(t, "b", "127.0.0.1:0", conn.CarrierUpgrade, nil)
	shows := ca.dialing(new(ca.Of(t, "a")))
	if answer := secureConnect(t, b, shows, &collector.ConnectRequest{Namespaces: []string{"users"}}); answer.GetStatus().GetDetails()["known_as"] != "a" {
		t.Errorf("without an id: %v", answer)
	}
	for _, id := range []string{"c", "no id/of ours"} {
		if answer := secureConnect(t, b, shows, request(id, "users")); answer.GetStatus().GetCode() < 400 {
			t.Errorf("as %q: %v", id, answer)
		}
	}
	if peers := b.Table().Peers(); len(peers) != 1 || peers[0].ID != "a" {
		t.Errorf("the peers are %v", peerIDs(peers))
	}
}

// TestLinkedCallerNeedsNoName: it said it when it greeted.
func TestLinkedCallerNeedsNoName(t *testing.T) {
	t.Parallel()
	b := start(t, "b", []string{"users"})
	peer := collectorconnect.NewCollectiveDispatcherClient(ownServices(intruder(t, b, nil, "a")))
	answer, err := peer.Connect(t.Context(), &collector.ConnectRequest{Namespaces: []string{"users"}})
	if err != nil || answer.GetStatus().GetCode() != 200 || answer.GetConnectionId() != conn.ConnectionID("a", "b") {
		t.Errorf("answered %v, %v", answer, err)
	}
}
