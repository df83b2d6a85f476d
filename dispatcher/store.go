package dispatcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/observe"
)

// claim makes the collector the owner of its file, until release.
func (o *options) claim(id string) (release func(), err error) {
	switch {
	case o.file != nil && o.connections != nil:
		return nil, errors.New("WithStore and WithConnectionStore are both given: connections are kept in one place")
	case o.file != nil:
		release, err := o.file.Claim(id)
		if err != nil {
			return nil, err
		}
		stop := o.followStore(cmp.Or(o.log, slog.Default()))
		return func() { stop(); release() }, nil
	case o.kept.Calls > 0:
		return nil, errors.New("WithStoredHistory needs a file to keep calls in: give one by WithStore")
	}
	return func() {}, nil
}

// connectionStore is where connections are kept.
func (o *options) connectionStore() conn.Store {
	switch {
	case o.consumer: // known by a name of its own each time, it would never be asked for them again
		return conn.NewMemoryStore()
	case o.file != nil:
		return conn.NewFileStore(o.file)
	case o.connections != nil:
		return o.connections
	}
	return conn.NewMemoryStore()
}

// storeTrouble is why what is written is not kept; nil if it is, and in memory.
func (o *options) storeTrouble() error {
	if o.file == nil {
		return nil
	}
	return o.file.Trouble()
}

// storeStatus is what status tells of it.
func (o *options) storeStatus() *meshv1.StoreStatus {
	if o.file == nil {
		return new(meshv1.StoreStatus)
	}
	status := &meshv1.StoreStatus{Path: o.file.Path()}
	if trouble := o.file.Trouble(); trouble != nil {
		status.Error = trouble.Error()
	}
	return status
}

// followStore logs when the file cannot be used any more, and when it can again. The collector runs on either way.
func (o *options) followStore(log *slog.Logger) (stop func()) {
	if o.file == nil {
		return func() {}
	}
	return o.file.Watch(func(trouble error) {
		if trouble != nil {
			log.Error("the store has trouble, and the collector runs on without it", "path", o.file.Path(), "error", trouble)
			return
		}
		log.Info("the store works again", "path", o.file.Path())
	})
}

// watchedStore tells the recorder of each change of a connection that was written down.
type watchedStore struct {
	conn.Store
	recorder *observe.Recorder
	mu       sync.Mutex
	states   map[string]written // by connection id
}

// written is what the history goes by of the record that was written last.
type written struct {
	state             collector.ConnectionState
	conflict, address string
}

func writtenOf(record *collector.Connection) written {
	return written{record.GetState(), record.GetConflict(), record.GetAddress()}
}

// differs reports whether a record says something of a peer that is worth a line of history, though its state is the same: who is
// who, or where it is dialled.
func (w written) differs(record *collector.Connection) bool {
	moved := record.GetIsInitiator() && record.GetAddress() != w.address
	return moved || record.GetConflict() != "" && record.GetConflict() != w.conflict
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
	w.states = make(map[string]written, len(records))
	for _, record := range records {
		w.states[record.GetId()] = writtenOf(record)
	}
	return nil
}

func (w *watchedStore) Put(ctx context.Context, record *collector.Connection) error {
	if err := w.Store.Put(ctx, record); err != nil {
		return err
	}
	w.mu.Lock()
	before := w.states[record.GetId()]
	w.states[record.GetId()] = writtenOf(record)
	crowded := len(w.states) > 2*conn.MaxPeers // the store forgets records, and says so to nobody
	w.mu.Unlock()
	switch {
	case before.state != record.GetState():
		w.recorder.RecordChange(before.state, record)
	case before.differs(record): // at this moment
		record = proto.CloneOf(record)
		record.StateChangedAt = timestamppb.Now()
		w.recorder.RecordChange(before.state, record)
	}
	if crowded {
		return w.learn(ctx)
	}
	return nil
}
