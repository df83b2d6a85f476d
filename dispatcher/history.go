package dispatcher

import (
	"context"
	"fmt"
	"sync"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/observe"
)

// ListDispatches answers finished calls that this collector saw.
func (m meshService) ListDispatches(ctx context.Context, req *meshv1.ListDispatchesRequest) (*meshv1.ListDispatchesResponse, error) {
	return m.recorder.ListDispatches(ctx, req)
}

// ListConnectionChanges answers how connections got from one state to another.
func (m meshService) ListConnectionChanges(
	_ context.Context, req *meshv1.ListConnectionChangesRequest,
) (*meshv1.ListConnectionChangesResponse, error) {
	return m.recorder.ListConnectionChanges(req), nil
}

// GetMetrics answers rates, errors and latencies over time.
func (m meshService) GetMetrics(_ context.Context, req *meshv1.GetMetricsRequest) (*meshv1.GetMetricsResponse, error) {
	return m.recorder.GetMetrics(req), nil
}

// Watch sends what happens until the caller leaves.
func (m meshService) Watch(
	ctx context.Context, req *meshv1.WatchRequest, stream meshv1connect.MeshServiceWatchServerStream,
) error {
	return m.recorder.Watch(ctx, req, m, stream.Send)
}

// Topology is the mesh as this collector knows it now.
func (m meshService) Topology() *meshv1.Topology {
	status, _ := m.GetStatus(context.Background(), &meshv1.GetStatusRequest{}) // it has no way to fail
	return &meshv1.Topology{Status: status, Connections: m.conns.ListConnections()}
}

// Changed is closed when the topology is another one.
func (m meshService) Changed() <-chan struct{} { return m.conns.Changed() }

// watchedStore tells the recorder of each change of a connection that was written down.
type watchedStore struct {
	conn.Store
	recorder *observe.Recorder
	mu       sync.Mutex
	states   map[string]collector.ConnectionState // as they were written last, by connection id
}

func watchStore(ctx context.Context, store conn.Store, recorder *observe.Recorder) (*watchedStore, error) {
	w := &watchedStore{Store: store, recorder: recorder}
	return w, w.learn(ctx)
}

// learn reads the states that are in the store.
func (w *watchedStore) learn(ctx context.Context) error {
	records, err := w.List(ctx)
	if err != nil {
		return fmt.Errorf("load connections: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states = make(map[string]collector.ConnectionState, len(records))
	for _, record := range records {
		w.states[record.GetId()] = record.GetState()
	}
	return nil
}

func (w *watchedStore) Put(ctx context.Context, record *collector.Connection) error {
	if err := w.Store.Put(ctx, record); err != nil {
		return err
	}
	w.mu.Lock()
	before := w.states[record.GetId()]
	w.states[record.GetId()] = record.GetState()
	crowded := len(w.states) > 2*conn.MaxPeers // the store forgets records, and says so to nobody
	w.mu.Unlock()
	if before != record.GetState() {
		w.recorder.RecordChange(before, record)
	}
	if crowded {
		return w.learn(ctx)
	}
	return nil
}
