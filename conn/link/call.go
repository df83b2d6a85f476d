package link

import (
	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

// call is what both ends of a call have of it.
type call struct {
	id   uint64
	life life
	in   inbound
	out  outbox.Half
	// parted says that messages left, or may have, beside the OPEN or the END. It is the sender's.
	parted bool
}

// Resume makes it an [account.Waiter].
func (c *call) Resume() bool {
	grant, ok := c.in.resume()
	if grant > 0 {
		c.in.window.common.out.Grant(c.id, grant)
	}
	return ok
}

// reset makes the memory ready for another call. Nobody else knows it any more.
func (c *call) reset() {
	c.id = 0
	c.life.reset()
	c.in.reset()
	c.parted = false
}

// oneRequest reports whether calls of a kind have one request message.
func oneRequest(kind connect.StreamType) bool { return kind&connect.StreamTypeClient == 0 }

// oneResponse reports whether calls of a kind have one response message.
func oneResponse(kind connect.StreamType) bool { return kind&connect.StreamTypeServer == 0 }
