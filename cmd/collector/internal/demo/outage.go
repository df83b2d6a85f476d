package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// outage follows the connections of a killed collector, as MeshService tells them.
type outage struct {
	victim    *actor
	observer  *actor // its connection with the victim must be seen stale and then active
	other     *actor // the victim's connection with this one must be active again too
	restarted time.Time
	stale     bool // seen by the observer after the kill
	active    bool // seen by the observer after the restart
	others    bool // seen by the victim after the restart
	said      string
}

func newOutage(victim, observer, other *actor) *outage {
	return &outage{victim: victim, observer: observer, other: other}
}

func (o *outage) begin() error {
	if err := o.victim.kill(); err != nil {
		return fmt.Errorf("killing %s: %w", o.victim.id, err)
	}
	return nil
}

// restart starts the victim with its database. The observer dials it at its old address; when it has another one now, it
// is the victim that dials. The connection is the same one: there is one for each pair of collectors.
func (o *outage) restart(ctx context.Context, note func(string, ...any)) error {
	before := o.victim.listen
	err := o.victim.startSomewhere(ctx, note)
	o.restarted = time.Now()
	if err != nil || o.victim.listen == before {
		return err
	}
	note("collector %s   %s   connects to %s again", o.victim.id, o.victim.url(), o.observer.id)
	return link(ctx, o.victim, o.observer)
}

func (o *outage) down() bool { return o.restarted.IsZero() }

func (o *outage) over() bool { return o.stale && o.active && o.others }

func (o *outage) sinceRestart() time.Duration { return time.Since(o.restarted) }

// look asks for the state of the connections and notes every change.
func (o *outage) look(ctx context.Context, note func(string, ...any)) error {
	seen, err := connectionWith(ctx, o.observer, o.victim.id)
	if err != nil {
		return err
	}
	if text := o.describe(seen); text != o.said {
		note("%s", text)
		o.said = text
	}
	if o.down() {
		o.stale = o.stale || seen.GetState() == collector.ConnectionState_CONNECTION_STATE_STALE
		return nil
	}
	o.active = seen.GetState() == collector.ConnectionState_CONNECTION_STATE_ACTIVE
	side, err := connectionWith(ctx, o.victim, o.other.id)
	o.others = side.GetState() == collector.ConnectionState_CONNECTION_STATE_ACTIVE
	return err
}

func (o *outage) describe(c *collector.Connection) string {
	text := fmt.Sprintf("%s sees connection %s to %s: %s", o.observer.id, c.GetId(), o.victim.id, conn.StateName(c.GetState()))
	if c.GetCloseReason() != "" {
		text += " (" + c.GetCloseReason() + ")"
	}
	return text
}

// connectionWith is what a collector has on record about its connection with another one.
func connectionWith(ctx context.Context, a *actor, id string) (*collector.Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	res, err := a.mesh.ListConnections(ctx, &meshv1.ListConnectionsRequest{})
	if err != nil {
		return nil, fmt.Errorf("asking %s for its connections: %w", a.id, err)
	}
	for _, c := range res.GetConnections() {
		if c.GetSourceCollectorId() == id || c.GetTargetCollectorId() == id {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%s has no connection with %s on record", a.id, id)
}
