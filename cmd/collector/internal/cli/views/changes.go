package views

import (
	"cmp"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Changes shows how connections got into their states.
func Changes(out *render.Printer, res *meshv1.ListConnectionChangesResponse) render.View {
	v := render.View{
		Document: res,
		Columns: []render.Column{
			{Title: "WHEN"}, {Title: "CONNECTION", Wide: true, Name: true}, {Title: "PEER"}, {Title: "FROM"}, {Title: "TO", State: true},
			{Title: "AFTER"}, {Title: "DIALED BY"}, {Title: "REASON"},
		},
	}
	for i, change := range res.GetChanges() {
		c := change.GetConnection()
		v.Add(change, out.Ago(c.GetStateChangedAt()), render.Text(c.GetId()), render.Text(peerOf(c)), stateBefore(change),
			render.Text(conn.StateName(c.GetState())), lasted(change, res.GetChanges()[i+1:]), render.Text(c.GetSourceCollectorId()),
			render.Text(reasonOf(change)))
	}
	if len(v.Rows) == 0 {
		v.Notes = []string{"no connection has changed yet, or none that matches"}
	}
	return v
}

// reasonOf says why a connection has changed. What changes in no state is who the peer is, or where it is dialled.
func reasonOf(change *meshv1.ConnectionChange) string {
	c := change.GetConnection()
	if c.GetConflict() == "" && change.GetBefore() == c.GetState() {
		return "it has moved to " + c.GetAddress()
	}
	return cmp.Or(c.GetConflict(), c.GetCloseReason())
}

func stateBefore(change *meshv1.ConnectionChange) render.Cell {
	if change.GetBefore() == collector.ConnectionState_CONNECTION_STATE_UNSPECIFIED {
		return render.Text(render.NoValue)
	}
	return render.Text(conn.StateName(change.GetBefore()))
}

// lasted is how long a connection had been in its state before a change; earlier are the changes before it, newest first. A
// change that the filter left out makes it unknown. A conflict that was seen, or a move, is no other state.
func lasted(change *meshv1.ConnectionChange, earlier []*meshv1.ConnectionChange) render.Cell {
	for _, e := range earlier {
		if e.GetConnection().GetId() != change.GetConnection().GetId() || e.GetBefore() == e.GetConnection().GetState() {
			continue
		}
		if e.GetConnection().GetState() != change.GetBefore() {
			break
		}
		d := change.GetConnection().GetStateChangedAt().AsTime().Sub(e.GetConnection().GetStateChangedAt().AsTime())
		return render.Span(max(d, time.Microsecond).Nanoseconds())
	}
	return render.None()
}

// stateColumns are those of a stream of connections.
var stateColumns = []render.Column{
	{Title: "TIME"}, {Title: "CONNECTION", Name: true}, {Title: "PEER"}, {Title: "STATE", State: true}, {Title: "REASON"},
}

// PrintChange prints a change of a stream on a line. Without a state before it is how the connection was found.
func PrintChange(out *render.Printer, at time.Time, change *meshv1.ConnectionChange) error {
	c := change.GetConnection()
	row := []render.Cell{
		out.Clock(at), render.Text(c.GetId()), render.Text(peerOf(c)), render.Text(conn.StateName(c.GetState())), render.Text(c.GetCloseReason()),
	}
	return out.StreamRow(change, stateColumns, row, []int{12, 16, 12, 6, 0})
}
