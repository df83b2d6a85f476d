package observe

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

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

// selectsChange compares with the peer, which is whichever end of the connection is not this collector: either may have dialled.
func (r *Recorder) selectsChange(req *meshv1.ListConnectionChangesRequest, c *collector.Connection) bool {
	wanted, peer := req.GetPeerCollectorId(), c.GetSourceCollectorId()
	if peer == r.self {
		peer = c.GetTargetCollectorId()
	}
	return (wanted == "" || wanted == peer) && (len(req.GetStates()) == 0 || slices.Contains(req.GetStates(), c.GetState()))
}
