package observe_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/observe"
)

const get = "/users.v1.UserService/GetUser"

func call(change func(*observe.Call)) *observe.Call {
	c := observe.Call{
		Entrance: observe.Native, Namespace: "users", Procedure: get, Source: "a", Executor: "a",
		Route: []string{"a"}, Code: observe.OK, Start: time.Now(), Duration: time.Millisecond,
	}
	if change != nil {
		change(&c)
	}
	return &c
}

func failing(c *observe.Call) { c.Code, c.Executor = "unavailable", "b" }

func TestListDispatchesFiltersAfterTheResponse(t *testing.T) {
	t.Parallel()
	r := observe.New("a", observe.Limits{})
	defer r.Close()
	start := time.Now()
	r.Record(call(nil))
	r.Record(call(failing))
	r.Record(call(func(c *observe.Call) { c.Namespace, c.Duration = "orders", time.Second }))
	tests := map[string]struct {
		request *meshv1.ListDispatchesRequest
		want    []uint64
	}{
		"all":          {&meshv1.ListDispatchesRequest{}, []uint64{3, 2, 1}},
		"limit":        {&meshv1.ListDispatchesRequest{Limit: 1}, []uint64{3}},
		"errors":       {filtered(&meshv1.DispatchFilter{ErrorsOnly: true}), []uint64{2}},
		"code":         {filtered(&meshv1.DispatchFilter{Codes: []string{"ok"}}), []uint64{3, 1}},
		"namespace":    {filtered(&meshv1.DispatchFilter{Namespace: "orders"}), []uint64{3}},
		"collector":    {filtered(&meshv1.DispatchFilter{CollectorId: "b"}), []uint64{2}},
		"source":       {filtered(&meshv1.DispatchFilter{SourceCollectorId: "a"}), []uint64{3, 2, 1}},
		"other source": {filtered(&meshv1.DispatchFilter{SourceCollectorId: "b"}), nil},
		"executor":     {filtered(&meshv1.DispatchFilter{ExecutorCollectorId: "a"}), []uint64{3, 1}},
		"slow":         {filtered(&meshv1.DispatchFilter{MinDurationNanos: 1e9}), []uint64{3}},
		"part of name": {filtered(&meshv1.DispatchFilter{Procedure: "getuser"}), []uint64{3, 2, 1}},
		"dots":         {filtered(&meshv1.DispatchFilter{Procedure: "UserService.GetUser"}), []uint64{3, 2, 1}},
		"procedure":    {filtered(&meshv1.DispatchFilter{Procedure: get}), []uint64{3, 2, 1}},
		"no such name": {filtered(&meshv1.DispatchFilter{Procedure: "delete"}), nil},
		"later":        {&meshv1.ListDispatchesRequest{From: timestamppb.New(start.Add(time.Hour))}, nil},
		"earlier":      {&meshv1.ListDispatchesRequest{To: timestamppb.New(start.Add(-time.Hour))}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []uint64
			for _, d := range list(t, r, tt.request).GetDispatches() {
				got = append(got, d.GetSeq())
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Fatalf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func list(t *testing.T, r *observe.Recorder, req *meshv1.ListDispatchesRequest) *meshv1.ListDispatchesResponse {
	t.Helper()
	res, err := r.ListDispatches(t.Context(), req)
	if err != nil {
		t.Error(err)
	}
	return res
}

func filtered(f *meshv1.DispatchFilter) *meshv1.ListDispatchesRequest {
	return &meshv1.ListDispatchesRequest{Filter: f}
}

// What anybody asked for must not make all that is remembered unreadable, nor fill the memory.
func TestRefusedNamesAreMadeReadable(t *testing.T) {
	t.Parallel()
	r := observe.New("a", observe.Limits{})
	defer r.Close()
	long := strings.Repeat("x", 1<<20)
	r.Record(call(func(c *observe.Call) {
		c.Code, c.Reason, c.Namespace, c.Procedure, c.Message = "not_found", "method_unknown", "us\xff", "/\xff"+long, "no \xfe"+long
	}))
	r.Record(call(func(c *observe.Call) { c.Code, c.Message = "internal", "\xff" }))
	data, err := proto.Marshal(list(t, r, &meshv1.ListDispatchesRequest{}))
	if err != nil || len(data) > 2000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestTheOldestCallsMakeRoom(t *testing.T) {
	t.Parallel()
	r := observe.New("a", observe.Limits{Calls: 4})
	defer r.Close()
	for range 10 {
		r.Record(call(nil))
	}
	got := list(t, r, &meshv1.ListDispatchesRequest{}).GetDispatches()
	if len(got) != 4 || got[0].GetSeq() != 10 || got[3].GetSeq() != 7 {
		t.Errorf("got %v, want the calls 10 to 7", got)
	}
}

func TestMetricsCountBySecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := observe.New("a", observe.Limits{})
		defer r.Close()
		for i := range 100 {
			r.Record(call(func(c *observe.Call) { c.Duration = time.Duration(i+1) * time.Millisecond }))
		}
		r.Record(call(failing))
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		res := r.GetMetrics(&meshv1.GetMetricsRequest{WindowSeconds: 10})
		all := res.GetSeries()[0]
		if all.GetKind() != meshv1.SeriesKind_SERIES_KIND_COLLECTOR || all.GetTotal().GetCalls() != 101 || all.GetTotal().GetErrors() != 1 {
			t.Fatalf("got %v, want 101 calls, 1 error", all.GetTotal())
		}
		near(t, "p50", all.GetTotal().GetP50Nanos(), 50*time.Millisecond)
		near(t, "p99", all.GetTotal().GetP99Nanos(), 99*time.Millisecond)
		if n := len(all.GetPoints()); n != 10 || all.GetPoints()[7].GetCalls() != 101 {
			t.Errorf("got %v, want all calls three seconds ago", all.GetPoints())
		}
		if peer := res.GetSeries()[1]; peer.GetName() != "b" || peer.GetTotal().GetErrors() != 1 {
			t.Errorf("got %v, want the failure with b", peer)
		}
	})
}

func near(t *testing.T, what string, got int64, want time.Duration) {
	t.Helper()
	if ratio := float64(got) / float64(want); ratio < 0.87 || ratio > 1.13 {
		t.Errorf("%s is %v, want %v to an eighth", what, time.Duration(got), want)
	}
}

func TestMetricsRememberAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := observe.New("a", observe.Limits{})
		defer r.Close()
		for range 40 * 60 {
			r.Record(call(nil))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		res := r.GetMetrics(&meshv1.GetMetricsRequest{WindowSeconds: 3600})
		if calls := res.GetSeries()[0].GetTotal().GetCalls(); calls < 2380 || calls > 2400 {
			t.Errorf("got %d calls in the hour, want 2400 but for the last ten seconds", calls)
		}
		if n := len(res.GetSeries()[0].GetPoints()); n > 300 {
			t.Errorf("got %d points, want at most 300", n)
		}
	})
}

func TestInventedNamesGetNoSeries(t *testing.T) {
	t.Parallel()
	r := observe.New("a", observe.Limits{Methods: 3})
	defer r.Close()
	for i := range 50 {
		r.Record(call(func(c *observe.Call) {
			c.Procedure, c.Reason, c.Code = "/x/"+strconv.Itoa(i), "method_unknown", "unimplemented"
		}))
	}
	for i := range 50 {
		r.Record(call(func(c *observe.Call) { c.Procedure = "/y/" + strconv.Itoa(i) }))
	}
	if n := len(r.GetMetrics(&meshv1.GetMetricsRequest{}).GetSeries()); n > 5 {
		t.Errorf("got %d series, want the collector's and at most 4 more", n)
	}
}

func TestRecordingIsRaceFree(t *testing.T) {
	t.Parallel()
	r := observe.New("a", observe.Limits{Calls: 64})
	defer r.Close()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 500 {
				r.Record(call(func(c *observe.Call) { c.Procedure = "/s/" + strconv.Itoa((i*j)%7) }))
				if j%100 == 0 {
					list(t, r, &meshv1.ListDispatchesRequest{})
					r.GetMetrics(&meshv1.GetMetricsRequest{})
				}
			}
		})
	}
	group.Wait()
	if last := list(t, r, &meshv1.ListDispatchesRequest{}).GetDispatches()[0].GetSeq(); last != 4000 {
		t.Errorf("the newest call is %d, want 4000", last)
	}
}

// mesh is a topology that a test changes.
type mesh struct {
	mu      sync.Mutex
	changed chan struct{}
	state   collector.ConnectionState
}

func newMesh() *mesh {
	return &mesh{changed: make(chan struct{}), state: collector.ConnectionState_CONNECTION_STATE_ACTIVE}
}

func (m *mesh) Topology() *meshv1.Topology {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &meshv1.Topology{
		Status:      &meshv1.GetStatusResponse{CollectorId: "a", SessionId: "s1"},
		Connections: []*collector.Connection{{Id: "c-1", State: m.state}},
	}
}

func (m *mesh) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

func (m *mesh) set(state collector.ConnectionState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = state
	close(m.changed)
	m.changed = make(chan struct{})
}

// watching runs a watch in the background; the events arrive in a channel that stop closes.
func watching(t *testing.T, r *observe.Recorder, m observe.Mesh, req *meshv1.WatchRequest, room int) (events chan *meshv1.WatchResponse, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	events = make(chan *meshv1.WatchResponse, room)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := r.Watch(ctx, "somebody", req, m, func(e *meshv1.WatchResponse) error {
			select {
			case events <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Watch ended with %v", err)
		}
	}()
	return events, func() { cancel(); <-done }
}

func TestWatchSendsWhatHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, m := observe.New("a", observe.Limits{}), newMesh()
		defer r.Close()
		r.Record(call(nil))
		events, stop := watching(t, r, m, &meshv1.WatchRequest{
			Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_TOPOLOGY, meshv1.WatchTopic_WATCH_TOPIC_DISPATCHES},
			Filter: &meshv1.DispatchFilter{ErrorsOnly: true},
		}, 16)
		defer stop()
		if first := <-events; first.GetSnapshot().GetSeq() != 1 || first.GetEvent() != 1 {
			t.Fatalf("the first event is %v, want the snapshot after call 1", first)
		}
		r.Record(call(nil))
		r.Record(call(failing))
		if got := (<-events).GetDispatches().GetDispatches(); len(got) != 1 || got[0].GetSeq() != 3 {
			t.Fatalf("got %v, want call 3 alone", got)
		}
		m.set(collector.ConnectionState_CONNECTION_STATE_STALE)
		change := (<-events).GetConnection()
		if change.GetBefore() != collector.ConnectionState_CONNECTION_STATE_ACTIVE || change.GetConnection().GetState() != collector.ConnectionState_CONNECTION_STATE_STALE {
			t.Fatalf("got %v, want active to stale", change)
		}
		if now := (<-events).GetTopology(); now.GetConnections()[0].GetState() != collector.ConnectionState_CONNECTION_STATE_STALE {
			t.Errorf("got %v, want the new topology", now)
		}
	})
}

func TestWatchGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	for session, want := range map[string]int{"s1": 2, "": 2, "other": 0} {
		synctest.Test(t, func(t *testing.T) {
			r := observe.New("a", observe.Limits{})
			defer r.Close()
			for range 3 {
				r.Record(call(nil))
			}
			events, stop := watching(t, r, newMesh(), &meshv1.WatchRequest{
				Topics:   []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_DISPATCHES},
				SinceSeq: 1, SinceSessionId: session,
			}, 16)
			defer stop()
			<-events
			if got := len((<-events).GetDispatches().GetDispatches()); got != want {
				t.Errorf("session %s: got %d calls, want %d", session, got, want)
			}
		})
	}
}

func TestASlowWatcherIsToldWhatItLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := observe.New("a", observe.Limits{Calls: 8})
		defer r.Close()
		events, stop := watching(t, r, newMesh(), &meshv1.WatchRequest{Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_DISPATCHES}}, 0)
		defer stop()
		<-events
		for range 20 {
			r.Record(call(nil))
		}
		if lost := (<-events).GetDropped().GetDispatches(); lost != 12 {
			t.Errorf("dropped %d, want 12", lost)
		}
		if got := len((<-events).GetDispatches().GetDispatches()); got != 8 {
			t.Errorf("got %d calls, want the 8 that are left", got)
		}
	})
}

// More matched than is sent at a time: the newest are sent, and the rest counted.
func TestAWatcherOfTooMuchGetsTheNewest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := observe.New("a", observe.Limits{})
		defer r.Close()
		events, stop := watching(t, r, newMesh(), &meshv1.WatchRequest{Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_DISPATCHES}}, 0)
		defer stop()
		<-events
		for range 700 {
			r.Record(call(nil))
		}
		if lost := (<-events).GetDropped().GetDispatches(); lost != 200 {
			t.Errorf("dropped %d, want 200", lost)
		}
		got := (<-events).GetDispatches().GetDispatches()
		if len(got) != 500 || got[0].GetSeq() != 201 || got[499].GetSeq() != 700 {
			t.Errorf("got %d calls from %d on, want 201 to 700", len(got), got[0].GetSeq())
		}
	})
}

func TestWatchersAreBounded(t *testing.T) {
	t.Parallel()
	r := observe.New("a", observe.Limits{Watchers: 8})
	defer r.Close()
	for range 2 {
		events, stop := watching(t, r, newMesh(), &meshv1.WatchRequest{}, 64)
		defer stop()
		<-events
	}
	err := r.Watch(t.Context(), "somebody", &meshv1.WatchRequest{}, newMesh(), nil)
	if connect.CodeOf(err) != connect.CodeResourceExhausted || !strings.Contains(err.Error(), "you have 2 watchers") {
		t.Errorf("more than a quarter for one: %v, want resource_exhausted", err)
	}
	full := errors.New("found a place")
	for _, other := range []string{"a", "b", "c", "d", "e", "f"} {
		if err := r.Watch(t.Context(), other, &meshv1.WatchRequest{}, newMesh(), func(*meshv1.WatchResponse) error { return full }); !errors.Is(err, full) {
			t.Errorf("%s: %v", other, err)
		}
	}
}

func TestCloseEndsWatchers(t *testing.T) {
	t.Parallel()
	r := observe.New("a", observe.Limits{})
	ended := make(chan error, 1)
	go func() {
		ended <- r.Watch(t.Context(), "somebody", &meshv1.WatchRequest{}, newMesh(), func(*meshv1.WatchResponse) error { return nil })
	}()
	r.Close()
	if err := <-ended; connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}

func TestNobodyNeedsARecorder(t *testing.T) {
	t.Parallel()
	var r *observe.Recorder
	r.Record(call(nil))
}

func BenchmarkRecord(b *testing.B) {
	r := observe.New("a", observe.Limits{})
	defer r.Close()
	c := call(func(c *observe.Call) { c.Executor = "b" })
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Record(c)
		}
	})
}
