package dispatcher_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/store"
)

// calls are what a collector remembers, oldest first.
func (n node) calls(t *testing.T, filter *meshv1.DispatchFilter) []*meshv1.Dispatch {
	t.Helper()
	client := meshv1connect.NewMeshServiceClient(connect.NewClient(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address)))
	res, err := client.ListDispatches(t.Context(), &meshv1.ListDispatchesRequest{Filter: filter})
	if err != nil {
		t.Fatal(err)
	}
	calls := res.GetDispatches()
	for i, j := 0, len(calls)-1; i < j; i, j = i+1, j-1 {
		calls[i], calls[j] = calls[j], calls[i]
	}
	return calls
}

// Every entrance is seen, once, with who ran the call and how it ended.
func TestHistory_EveryEntrance(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	transport := connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+a.Address, connecthttp.WithGRPC())
	native := testingv1connect.NewEchoServiceClient(connect.NewClient(transport))
	inside := testingv1connect.NewEchoServiceClient(connect.NewClient(a.Transport("test")))
	envelopes := collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(transport))

	if _, err := native.Echo(t.Context(), &testingv1.EchoRequest{Text: "native"}); err != nil {
		t.Fatal(err)
	}
	if _, err := inside.Echo(t.Context(), &testingv1.EchoRequest{Text: "inside"}); err != nil {
		t.Fatal(err)
	}
	if _, err := native.Fail(t.Context(), &testingv1.FailRequest{Code: int32(connect.CodeNotFound), Message: "no such thing"}); err == nil {
		t.Fatal("Fail did not fail")
	}
	input, err := anypb.New(&testingv1.EchoRequest{Text: "packed"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := envelopes.Dispatch(t.Context(), &collector.DispatchRequest{
		Namespace: "test", Service: &collector.ServiceTypeRef{ServiceName: "EchoService"}, MethodName: "Echo", Input: input,
	}); err != nil {
		t.Fatal(err)
	}

	want := []struct{ entrance, method, code string }{
		{"native", "Echo", "ok"}, {"process", "Echo", "ok"}, {"native", "Fail", "not_found"}, {"dispatch", "Echo", "ok"},
	}
	got := a.calls(t, nil)
	if len(got) != len(want) {
		t.Fatalf("a saw %v, want %d calls", got, len(want))
	}
	for i, w := range want {
		c := got[i]
		if c.GetEntrance() != w.entrance || c.GetProcedure() != "/collector.testing.v1.EchoService/"+w.method || c.GetCode() != w.code ||
			c.GetSourceCollectorId() != a.ID() || c.GetExecutorCollectorId() != b.ID() || len(c.GetRoute()) != 2 || c.GetNamespace() != "test" {
			t.Errorf("call %d is %v, want %v on %s", i, c, w, b.ID())
		}
	}
	for _, c := range b.calls(t, nil) {
		if c.GetEntrance() != "link" || c.GetSourceCollectorId() != a.ID() || c.GetExecutorCollectorId() != b.ID() {
			t.Errorf("b saw %v, want a call of a over the link", c)
		}
	}
	if failed := a.calls(t, &meshv1.DispatchFilter{ErrorsOnly: true}); len(failed) != 1 || failed[0].GetMessage() != "no such thing" || failed[0].GetReason() != "" {
		t.Errorf("failures: %v, want the handler's own", failed)
	}
}

// A collector tells of its neighbours' connections and their schemas.
func TestListCollectors_Indirect(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	c := serve(t, "c", []string{"test"})
	join(t, b, c)
	client := meshv1connect.NewMeshServiceClient(connect.NewClient(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+a.Address)))
	res, err := client.ListCollectors(t.Context(), &meshv1.ListCollectorsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(res.GetCollectors()); n != 3 || res.GetCollectors()[0].GetCollectorId() != "a" {
		t.Fatalf("got %v, want a, b and c", res.GetCollectors())
	}
	last := res.GetCollectors()[2]
	if last.GetCollectorId() != "c" || last.GetIsDirectPeer() || last.GetViaCollectorId() != "b" {
		t.Errorf("got %v, want c by way of b", last)
	}
	if edges := res.GetEdges(); len(edges) != 1 || edges[0].GetSourceCollectorId() != "b" || edges[0].GetTargetCollectorId() != "c" {
		t.Errorf("got %v, want the connection of b and c", edges)
	}
}

// The stream begins with a snapshot and then tells of calls that match.
func TestWatch(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	transport := connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+a.Address)
	client := meshv1connect.NewMeshServiceClient(connect.NewClient(transport))
	stream, err := client.Watch(t.Context(), &meshv1.WatchRequest{
		Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_DISPATCHES}, Filter: &meshv1.DispatchFilter{ErrorsOnly: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	first, err := stream.Receive()
	if err != nil || first.GetSnapshot().GetStatus().GetCollectorId() != "a" {
		t.Fatalf("first event %v, %v, want the snapshot of a", first, err)
	}
	echo := testingv1connect.NewEchoServiceClient(connect.NewClient(transport))
	_, _ = echo.Echo(t.Context(), &testingv1.EchoRequest{})
	_, _ = echo.Fail(t.Context(), &testingv1.FailRequest{Code: int32(connect.CodeAborted)})
	next, err := stream.Receive()
	if err != nil || len(next.GetDispatches().GetDispatches()) != 1 || next.GetDispatches().GetDispatches()[0].GetCode() != "aborted" {
		t.Errorf("next event %v, %v, want the failed call alone", next, err)
	}
}

// What a connection went through is remembered over a restart, with who dialled and why it ended.
func TestConnectionChangesSurviveARestart(t *testing.T) {
	t.Parallel()
	file, err := store.Open(filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	b := serve(t, "b", []string{"test"})
	start := func() node {
		return serve(t, "a", []string{"test"}, dispatcher.WithStore(file), dispatcher.WithStoredHistory(10, 0))
	}
	first := start()
	first.hostEcho(t, "test")
	join(t, first, b)
	if _, err := first.client(t).Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := first.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := start()
	id := conn.ConnectionID("a", "b")
	if err := second.Connections().Disconnect(t.Context(), id, "enough", false); err != nil {
		t.Fatal(err)
	}
	mesh := second.status(t)
	res, err := mesh.ListConnectionChanges(t.Context(), &meshv1.ListConnectionChangesRequest{PeerCollectorId: "b"})
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, change := range slices.Backward(res.GetChanges()) {
		states = append(states, conn.StateName(change.GetConnection().GetState()))
		if change.GetConnection().GetId() != id || change.GetConnection().GetSourceCollectorId() != "a" || change.GetConnection().GetStateChangedAt() == nil {
			t.Errorf("change of %v, want one of %s, dialled by a", change.GetConnection(), id)
		}
	}
	if last := res.GetChanges()[0].GetConnection(); len(states) < 3 || states[0] != "active" || states[1] != "stale" || !strings.Contains(last.GetCloseReason(), "enough") {
		t.Errorf("it was %v, and last because of %q", states, last.GetCloseReason())
	}
	calls, err := mesh.ListDispatches(t.Context(), &meshv1.ListDispatchesRequest{})
	if err != nil || len(calls.GetDispatches()) != 1 || calls.GetDispatches()[0].GetSessionId() == "" {
		t.Errorf("calls of the earlier run: %v, %v, want one", calls, err)
	}
}

// Two processes under one id are in the history of connections, of the third that they dial and of the one that is connected.
func TestConflictsAreInTheHistory(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	first, second := serve(t, "b", []string{"test"}), serve(t, "b", []string{"test"})
	join(t, first, a)
	if _, err := second.ConnectTo(t.Context(), a.Address, nil); connect.CodeOf(err) != connect.CodeAlreadyExists {
		t.Fatalf("the second connects: %v", err)
	}
	for _, of := range []struct {
		node
		peer string
	}{{a, "b"}, {first, "a"}} {
		for seen := false; !seen; { // the record follows within a second
			changed := time.After(20 * time.Millisecond)
			res, err := of.status(t).ListConnectionChanges(t.Context(), &meshv1.ListConnectionChangesRequest{PeerCollectorId: of.peer})
			if err != nil {
				t.Fatal(err)
			}
			last := res.GetChanges()[0]
			says := last.GetConnection().GetConflict()
			if seen = says != ""; !seen {
				<-changed
				continue
			}
			for _, part := range []string{`collector id "b"`, first.Address, "session "} {
				if !strings.Contains(says, part) {
					t.Errorf("%s says %q, without %q", of.ID(), says, part)
				}
			}
			if state := last.GetConnection().GetState(); last.GetBefore() != state || state != collector.ConnectionState_CONNECTION_STATE_ACTIVE {
				t.Errorf("%s was %v before and is %v", of.ID(), last.GetBefore(), state)
			}
		}
	}
}

func TestListConnections_FilterAndPages(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	for _, id := range []string{"b", "c", "d"} {
		join(t, a, serve(t, id, []string{"test"}))
	}
	list := func(req *meshv1.ListConnectionsRequest) (peers []string, next string) {
		res, err := a.status(t).ListConnections(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range res.GetConnections() {
			peers = append(peers, c.GetTargetCollectorId())
		}
		return peers, res.GetNextPageToken()
	}
	for size, want := range map[int32][][]string{0: {{"d", "c", "b"}}, 1: {{"d"}, {"c"}, {"b"}}, 2: {{"d", "c"}, {"b"}}, 3: {{"d", "c", "b"}}} {
		req := &meshv1.ListConnectionsRequest{PageSize: size}
		for i, page := range want {
			var peers []string
			if peers, req.PageToken = list(req); !slices.Equal(peers, page) || (req.PageToken == "") != (i == len(want)-1) {
				t.Errorf("pages of %d: page %d is %v, then %q, want %v", size, i, peers, req.PageToken, page)
			}
		}
	}
	if peers, _ := list(&meshv1.ListConnectionsRequest{PeerCollectorId: "c"}); !slices.Equal(peers, []string{"c"}) {
		t.Errorf("with c: %v", peers)
	}
	if _, err := a.status(t).ListConnections(t.Context(), &meshv1.ListConnectionsRequest{PageToken: "x"}); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a page_token that is none: %v", err)
	}
}

func TestAStoreHasOneCollector(t *testing.T) {
	t.Parallel()
	file, err := store.Open(filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	first, err := dispatcher.New("a", "", []string{"test"}, dispatcher.WithStore(file))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dispatcher.New("b", "", []string{"test"}, dispatcher.WithStore(file)); !errors.Is(err, store.ErrOwned) || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("a second collector on the file: %v, want ErrOwned and the name of the first", err)
	}
	if err := first.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, opts := range [][]dispatcher.Option{
		{dispatcher.WithStore(file), dispatcher.WithConnectionStore(conn.NewMemoryStore())},
		{dispatcher.WithStoredHistory(10, 0)},
	} {
		if _, err := dispatcher.New("c", "", []string{"test"}, opts...); err == nil {
			t.Error("options that contradict each other are accepted")
		}
	}
	second, err := dispatcher.New("b", "", []string{"test"}, dispatcher.WithStore(file)) // what failed has left no claim
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// A collector remembers as many calls as it is told to, the newest.
func TestHistory_AsManyAsWanted(t *testing.T) {
	t.Parallel()
	const kept = 3
	a := serve(t, "a", []string{"test"}, dispatcher.WithHistory(kept))
	a.hostEcho(t, "test")
	for _, text := range []string{"1", "2", "3", "4", "5"} {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("Collective-Namespace", "test")
		if _, err := a.client(t).Echo(ctx, &testingv1.EchoRequest{Text: strings.Repeat("x", len(text)), Padding: int32(text[0] - '0')}); err != nil {
			t.Fatal(err)
		}
	}
	calls := a.calls(t, nil)
	if len(calls) != kept {
		t.Fatalf("%d calls are remembered, want %d", len(calls), kept)
	}
	for i, c := range calls {
		if want := uint64(len(calls) - kept + i + 3); c.GetSeq() != want {
			t.Errorf("call %d is number %d, want %d: the oldest are forgotten first", i, c.GetSeq(), want)
		}
	}
}
