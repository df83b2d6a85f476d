package dispatcher

// Load is how many calls are under way to a peer.
func (d *Dispatcher) Load(peer string) int32 { return d.views.Now().Peers[peer].Load.Load() }

// SchemaChange returns a channel that is closed when this collector knows other schemas of its peers, and a function
// that reports whether it knows all that a peer has announced and has compared them.
func (d *Dispatcher) SchemaChange() (<-chan struct{}, func(peer string) bool) {
	known := d.schemas.Known()
	return known.Replaced, func(id string) bool {
		peer, ok := d.conns.Table().Peer(id)
		if !ok || !known.Complete(peer) {
			return false
		}
		for _, e := range d.views.Now().Namespaces["test"].Entries {
			for _, skew := range e.Incompatible {
				if skew.ID == id && skew.Pending && known.Of(id, "test").Err == nil {
					return false
				}
			}
		}
		return true
	}
}
