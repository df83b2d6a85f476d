package link

// call is what both ends of a call have of it.
type call struct {
	id   uint64
	life life
	in   inbound
	out  outbound
}

// reset makes the memory ready for another call. Nobody else knows it any more.
func (c *call) reset() {
	c.id = 0
	c.life.reset()
	c.in.reset()
	c.out.reset()
}
