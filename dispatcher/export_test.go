package dispatcher

// Load is how many calls are under way to a peer.
func (d *Dispatcher) Load(peer string) int32 { return d.view().stations[peer].load.Load() }
