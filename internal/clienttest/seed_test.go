package clienttest_test

import (
	"bufio"
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/internal/clienttest/gen/collector"
)

// startBeside runs a collector of ours beside a seed peer, with its connections in db.
func startBeside(t *testing.T, program, db, seedAddress string) (address string, kill func()) {
	t.Helper()
	command := exec.Command(program, db, seedAddress) //nolint:noctx // it is killed
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = command.Process.Kill()
		_ = input.Close()
		_ = command.Wait()
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the host said nothing: %v", err)
	}
	return strings.TrimSpace(line), kill
}

func packed(t *testing.T, message proto.Message) *anypb.Any {
	t.Helper()
	out, err := anypb.New(message)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A collector of the seed's contract, written with grpc-go, and one of ours: names of the seed's kind, calls both ways,
// GetClient, errors, and restarts of either.
func TestSeedPeer(t *testing.T) {
	program := buildHost(t)
	for name, id := range map[string]string{"named": "Seed_A", "without an id": ""} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			peer := &seedPeer{id: id, namespaces: []string{"Users_PROD", "system/connections", "a b"}}
			at, stop := peer.serve(t, "")
			db := filepath.Join(t.TempDir(), "ours.db")
			address, kill := startBeside(t, program, db, at)
			known := id
			if known == "" {
				host, port, _ := net.SplitHostPort(at)
				known = "seed-" + host + "-" + port
			}
			t.Run("ours calls the seed", func(t *testing.T) { oursCallsSeed(ctx, t, address, known, at) })
			t.Run("the seed calls ours", func(t *testing.T) { seedCallsOurs(ctx, t, peer, address, at) })

			stop()
			ask := askFor("Users_PROD", "SeedService", "Echo", "", packed(t, wrapperspb.String("x")))
			awaitStatus(ctx, t, address, ask, 503) // known, and away
			peer.serve(t, at)
			awaitStatus(ctx, t, address, ask, 200)

			kill()
			address, _ = startBeside(t, program, db, at)
			awaitStatus(ctx, t, address, ask, 200)
			t.Run("after both restarted", func(t *testing.T) { oursCallsSeed(ctx, t, address, known, at) })
		})
	}
}

// awaitStatus asks until it is answered with a code.
func awaitStatus(ctx context.Context, t *testing.T, address string, ask *collector.DispatchRequest, code int32) {
	t.Helper()
	client := collector.NewCollectiveDispatcherClient(dial(t, address))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		res, err := client.Dispatch(ctx, ask)
		if err == nil && res.GetStatus().GetCode() == code {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("no %d in time: %v, %v", code, res, err)
		}
	}
}

func oursCallsSeed(ctx context.Context, t *testing.T, address, known, seedAddress string) {
	client := collector.NewCollectiveDispatcherClient(dial(t, address))
	input := packed(t, wrapperspb.String("u-1"))
	for _, target := range []string{"", known} {
		res, err := client.Dispatch(ctx, askFor("Users_PROD", "SeedService", "Echo", target, input))
		if err != nil || res.GetStatus().GetMessage() != "OK" || res.GetHandledByCollectorId() != known || !proto.Equal(res.GetOutput(), input) {
			t.Errorf("on %q: %v, %v", target, res, err)
		}
	}
	res, err := client.Dispatch(ctx, askFor("Users_PROD", "SeedService", "Fail", "", input))
	if err != nil || res.GetStatus().GetCode() != 500 || res.GetStatus().GetMessage() != "handler error: no luck" {
		t.Errorf("Fail: %v, %v", res, err)
	}
	res, err = client.Dispatch(ctx, askFor("orders", "Program", "Ask", "", packed(t, wrapperspb.String(seedAddress))))
	answer := new(collector.DispatchResponse)
	if err != nil || res.GetOutput().UnmarshalTo(answer) != nil || answer.GetStatus().GetCode() != 200 || answer.GetOutput() == nil {
		t.Errorf("GetClient().Dispatch: %v, %v", res, err)
	}
}

func seedCallsOurs(ctx context.Context, t *testing.T, peer *seedPeer, address, own string) {
	agreed := peer.connectTo(ctx, t, address, own)
	details := agreed.GetStatus().GetDetails()
	if agreed.GetStatus().GetCode() != 200 || agreed.GetStatus().GetMessage() != "OK" || !slices.Equal(agreed.GetSharedNamespaces(), []string{"Users_PROD"}) {
		t.Fatalf("Connect: %v", agreed)
	}
	if left := details["left_out"]; left != "" && (!strings.Contains(left, `"a b"`) || !strings.Contains(left, "system/connections")) {
		t.Errorf("Connect leaves out %q", left)
	}
	seed := collector.NewCollectiveDispatcherClient(dial(t, own))
	res, err := seed.Dispatch(ctx, askFor("Users_PROD", "UserService", "GetUser", "", packed(t, wrapperspb.String("u-1"))))
	want := structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
		"id": structpb.NewStringValue("u-1"), "at": structpb.NewStringValue("Ours_1"),
	}})
	if got := new(structpb.Value); err != nil || res.GetHandledByCollectorId() != "Ours_1" || res.GetOutput().UnmarshalTo(got) != nil || !proto.Equal(want, got) {
		t.Errorf("GetUser: %v, %v", res, err)
	}
	res, err = seed.Dispatch(ctx, askFor("Users_PROD", "UserService", "Fail", "", nil))
	if err != nil || res.GetStatus().GetCode() != 500 || res.GetStatus().GetMessage() != "the disk is full" {
		t.Errorf("Fail: %v, %v", res, err)
	}
}

// A seed peer that nobody here has dialled, under every kind of name.
func TestSeedPeerIntroducesItself(t *testing.T) {
	program := buildHost(t)
	address, _ := startBeside(t, program, filepath.Join(t.TempDir(), "ours.db"), "")
	for id, known := range map[string]string{"Seed_B": "", "": "seed-10.0.0.9-50051", "eu/west 1": "seed-"} {
		peer := &seedPeer{id: id, namespaces: []string{"Users_PROD", "a b", "unknown"}}
		res := peer.connectTo(t.Context(), t, address, "10.0.0.9:50051")
		details := res.GetStatus().GetDetails()
		if res.GetStatus().GetMessage() != "OK" || res.GetTargetCollectorId() != "Ours_1" || !slices.Equal(res.GetSharedNamespaces(), []string{"Users_PROD"}) ||
			!strings.Contains(details["left_out"], `"a b"`) || !strings.HasPrefix(details["known_as"], known) || (known == "") != (details["known_as"] == "") {
			t.Errorf("%q: %v", id, res)
		}
	}
}
