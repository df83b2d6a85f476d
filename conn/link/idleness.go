package link

// idleness tells those who wait for it that a table is empty. The lock of the table guards it.
type idleness struct {
	waited chan struct{} // nil while nobody waits
}

// wait returns a channel that is closed when the table is empty, as it may be now.
func (i *idleness) wait(empty bool) <-chan struct{} {
	if empty {
		return closedChan
	}
	if i.waited == nil {
		i.waited = make(chan struct{})
	}
	return i.waited
}

// note is called whenever the table may have become empty.
func (i *idleness) note(empty bool) {
	if empty && i.waited != nil {
		close(i.waited)
		i.waited = nil
	}
}
