package observe

import (
	"context"
	"slices"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// How often a watcher looks, what it takes at a time, and how long it is silent at most.
const (
	lookEvery = 100 * time.Millisecond
	maxBatch  = 500             // calls in one look
	tellEvery = 5 * time.Second // then a heartbeat
)

// Mesh is what a watcher asks about the collectors and connections.
type Mesh interface {
	// Topology is the mesh as it is now, without asking anyone else.
	Topology() *meshv1.Topology
	// Changed is closed when the topology is not what it was when Changed was called.
	Changed() <-chan struct{}
}

// Watch sends what happens until ctx is done, r is closed or send fails. Nobody waits for a slow send: the calls that
// the ring has lost meanwhile are reported as dropped. principal is who watches; there is a bound for each, and for all.
func (r *Recorder) Watch(
	ctx context.Context, principal string, req *meshv1.WatchRequest, mesh Mesh, send func(*meshv1.WatchResponse) error,
) error {
	if err := r.watchers.enter(principal); err != nil {
		return err
	}
	defer r.watchers.leave(principal)
	w := newWatcher(r, req, mesh, send)
	if err := w.start(req); err != nil {
		return err
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.stop:
			return connect.NewError(connect.CodeUnavailable, "this collector is shutting down; watch again when it is back")
		case <-ticker.C:
			if err := w.look(); err != nil {
				return err
			}
		}
	}
}

// watcher is one stream. It belongs to one goroutine.
type watcher struct {
	recorder *Recorder
	mesh     Mesh
	topics   []meshv1.WatchTopic
	filter   filter
	send     func(*meshv1.WatchResponse) error

	events  uint64    // sent so far
	told    time.Time // when something was sent last
	drawn   time.Time // when the topology was sent last
	second  int64     // the last that was sent
	cursor  cursor
	changed <-chan struct{}                  // closed when the topology is not the one sent last
	states  map[string]*collector.Connection // of that topology, by id
}

// newWatcher begins with the next call. The filter is cloned, since the stream outlives the request.
func newWatcher(r *Recorder, req *meshv1.WatchRequest, mesh Mesh, send func(*meshv1.WatchResponse) error) *watcher {
	return &watcher{
		recorder: r, mesh: mesh, send: send,
		topics: req.GetTopics(),
		filter: newFilter(proto.CloneOf(req.GetFilter())),
		cursor: cursor{ring: r.calls, read: r.calls.last.Load()},
	}
}

// wants is true for all topics where a request names none.
func (w *watcher) wants(topic meshv1.WatchTopic) bool {
	return len(w.topics) == 0 || slices.Contains(w.topics, topic)
}

// start sends the snapshot and finds the place to go on from.
func (w *watcher) start(req *meshv1.WatchRequest) error {
	now := w.topology()
	session := req.GetSinceSessionId()
	same := session == "" || session == now.GetStatus().GetSessionId()
	if since := req.GetSinceSeq(); same && since > 0 && since < w.cursor.read {
		w.cursor.read = since
	}
	return w.tell(&meshv1.WatchResponse{Content: &meshv1.WatchResponse_Snapshot{Snapshot: now}})
}

// topology reads the mesh, and from then on hears of its changes.
func (w *watcher) topology() *meshv1.Topology {
	w.changed = w.mesh.Changed()
	now := w.mesh.Topology()
	now.Seq = w.recorder.calls.last.Load()
	w.drawn = time.Now()
	w.states = make(map[string]*collector.Connection, len(now.GetConnections()))
	for _, c := range now.GetConnections() {
		w.states[c.GetId()] = c
	}
	return now
}

// look sends what is new, the mesh before the calls: who reads a call knows the collectors in it.
func (w *watcher) look() error {
	steps := []func() error{w.lookAtTopology, w.lookAtCalls, w.lookAtMetrics, w.beat}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// lookAtTopology tells each connection that changed its state and then all of the mesh. Without a change it does so every few
// seconds, since counters in it grow silently.
func (w *watcher) lookAtTopology() error {
	if !w.wants(meshv1.WatchTopic_WATCH_TOPIC_TOPOLOGY) || !closed(w.changed) && time.Since(w.drawn) < tellEvery {
		return nil
	}
	before := w.states
	now := w.topology()
	for _, c := range now.GetConnections() {
		old := before[c.GetId()]
		if old != nil && old.GetState() == c.GetState() {
			continue
		}
		change := &meshv1.ConnectionChange{Before: old.GetState(), Connection: c}
		if err := w.tell(&meshv1.WatchResponse{Content: &meshv1.WatchResponse_Connection{Connection: change}}); err != nil {
			return err
		}
	}
	return w.tell(&meshv1.WatchResponse{Content: &meshv1.WatchResponse_Topology{Topology: now}})
}

// closed reports without waiting.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// lookAtCalls sends what the filter selects of the calls since the last time, in one message.
func (w *watcher) lookAtCalls() error {
	if !w.wants(meshv1.WatchTopic_WATCH_TOPIC_DISPATCHES) {
		return nil
	}
	calls, lost := w.cursor.newest(maxBatch, w.filter.selects) // nobody can read faster than this
	if lost > 0 {
		dropped := &meshv1.Dropped{Dispatches: lost}
		if err := w.tell(&meshv1.WatchResponse{Content: &meshv1.WatchResponse_Dropped{Dropped: dropped}}); err != nil {
			return err
		}
	}
	if len(calls) == 0 {
		return nil
	}
	batch := new(meshv1.DispatchBatch)
	for i := range calls {
		batch.Dispatches = append(batch.Dispatches, calls[i].message())
	}
	return w.tell(&meshv1.WatchResponse{Content: &meshv1.WatchResponse_Dispatches{Dispatches: batch}})
}

// lookAtMetrics sends each second once, when it is over.
func (w *watcher) lookAtMetrics() error {
	if !w.wants(meshv1.WatchTopic_WATCH_TOPIC_METRICS) {
		return nil
	}
	tick, fresh := w.recorder.tick(&w.second)
	if !fresh {
		return nil
	}
	return w.tell(&meshv1.WatchResponse{Content: &meshv1.WatchResponse_MetricsTick{MetricsTick: tick}})
}

// beat shows that the stream is alive.
func (w *watcher) beat() error {
	if time.Since(w.told) < tellEvery {
		return nil
	}
	beat := &meshv1.Heartbeat{Seq: w.recorder.calls.last.Load()}
	return w.tell(&meshv1.WatchResponse{Content: &meshv1.WatchResponse_Heartbeat{Heartbeat: beat}})
}

// tell numbers the events of the stream, so that a reader sees when one is missing.
func (w *watcher) tell(event *meshv1.WatchResponse) error {
	w.events++
	w.told = time.Now()
	event.Event, event.Time = w.events, timestamppb.New(w.told)
	return w.send(event)
}
