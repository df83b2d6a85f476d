package observe

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// maxChanges is how many changes of connections are remembered.
const maxChanges = 1024

// changes are the last changes of connections. They are never modified once they are here.
type changes struct {
	mu   sync.Mutex
	list []*meshv1.ConnectionChange // oldest first
	seen uint64                     // number of the newest
}

func (c *changes) load(earlier []*meshv1.ConnectionChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.seen = earlier, uint64(len(earlier))
}

func (c *changes) add(change *meshv1.ConnectionChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) >= maxChanges {
		c.list = slices.Delete(c.list, 0, len(c.list)-maxChanges+1)
	}
	c.list = append(c.list, change)
	c.seen++
}

func (c *changes) last() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// since answers the changes after the one with a number, as far as they are remembered, and the number of the newest.
func (c *changes) since(number uint64) ([]*meshv1.ConnectionChange, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := min(c.seen-number, uint64(len(c.list)))
	return slices.Clone(c.list[uint64(len(c.list))-fresh:]), c.seen
}

// RecordChange remembers that a connection came to the state of record, from another one.
func (r *Recorder) RecordChange(before collector.ConnectionState, record *collector.Connection) {
	r.changes.add(&meshv1.ConnectionChange{Before: before, Connection: proto.CloneOf(record)})
}

// ListConnectionChanges answers the changes of connections that a request selects, newest first.
func (r *Recorder) ListConnectionChanges(req *meshv1.ListConnectionChangesRequest) *meshv1.ListConnectionChangesResponse {
	all, _ := r.changes.since(0)
	limit := positive(int(req.GetLimit()), maxChanges)
	res := new(meshv1.ListConnectionChangesResponse)
	for _, change := range slices.Backward(all) {
		if len(res.Changes) == limit {
			break
		}
		if r.selectsChange(req, change.GetConnection()) {
			res.Changes = append(res.Changes, change)
		}
	}
	return res
}

func (r *Recorder) selectsChange(req *meshv1.ListConnectionChangesRequest, c *collector.Connection) bool {
	wanted, peer := req.GetPeerCollectorId(), c.GetSourceCollectorId()
	if peer == r.self {
		peer = c.GetTargetCollectorId()
	}
	return (wanted == "" || wanted == peer) && (len(req.GetStates()) == 0 || slices.Contains(req.GetStates(), c.GetState()))
}
