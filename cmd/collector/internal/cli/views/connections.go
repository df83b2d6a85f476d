package views

import (
	"cmp"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
)

// Connections shows connections, which are all or part of document.
func Connections(out *render.Printer, document any, connections []*collector.Connection) render.View {
	v := render.View{
		Document: document,
		Columns: []render.Column{
			{Title: "CONNECTION"}, {Title: "PEER"}, {Title: "ADDRESS"}, {Title: "STATE", State: true}, {Title: "PATH"},
			{Title: "SHARED"}, {Title: "CALLS"}, {Title: "ERR"}, {Title: "SENT", Wide: true},
			{Title: "RECEIVED", Wide: true}, {Title: "SINCE"}, {Title: "LAST", Wide: true}, {Title: "REASON"},
			{Title: "CARRIER", Wide: true},
		},
	}
	for _, c := range connections {
		v.Add(c, render.Text(c.GetId()), render.Text(peerOf(c)), render.Text(c.GetAddress()), render.Text(conn.StateName(c.GetState())),
			render.Path(c.GetIsInitiator()), render.List(c.GetSharedNamespaces()), render.Count(c.GetRequestCount()),
			render.Share(c.GetErrorCount(), c.GetRequestCount()), render.Size(c.GetBytesSent()), render.Size(c.GetBytesReceived()),
			out.Ago(c.GetStateChangedAt()), out.Ago(c.GetLastActivity()), render.Text(cmp.Or(c.GetConflict(), c.GetCloseReason())),
			render.Text(c.GetCarrier()))
	}
	return v
}

// peerOf is the collector at the other end of a connection.
func peerOf(c *collector.Connection) string {
	if c.GetIsInitiator() {
		return c.GetTargetCollectorId()
	}
	return c.GetSourceCollectorId()
}
