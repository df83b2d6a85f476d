package dispatcher

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/gen/collector"
)

// avoidance tells of peers that calls avoid.
type avoidance struct{ *Dispatcher }

// tell tells the log and the history of the connection that calls avoid a peer, or do so no longer. The state of the connection
// stays what it is.
func (d avoidance) tell(e endpoint.Event) {
	words := "calls avoid it"
	if e.Service != "" {
		words = "calls of " + e.Service + " in namespace " + e.Namespace + " avoid it"
	}
	if e.Standing == "" {
		words += " no longer"
		d.log.Info("calls go to a peer again", "collector", d.id, "peer", e.Peer, "namespace", e.Namespace, "service", e.Service)
	} else {
		words += ": " + e.Standing
		d.log.Warn("calls avoid a peer", "collector", d.id, "peer", e.Peer, "namespace", e.Namespace, "service", e.Service,
			"reason", e.Standing, "next", "look why it fails there, see collector top; calls go there again by themselves")
	}
	records := d.conns.ListConnections()
	at := slices.IndexFunc(records, func(c *collector.Connection) bool {
		return c.GetSourceCollectorId() == e.Peer || c.GetTargetCollectorId() == e.Peer
	})
	if at < 0 {
		return
	}
	record := proto.CloneOf(records[at])
	record.CloseReason = words
	d.recorder.RecordChange(record.GetState(), record)
}
