package call

import (
	"sync/atomic"

	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// traffic is the message bytes that crossed a connection for one call, and whether the connection failed it.
type traffic struct {
	sent, received atomic.Int64
	failed         atomic.Bool
}

func (t *traffic) record(st *routing.RoutePeer) {
	st.Conn.Record(t.sent.Swap(0), t.received.Swap(0), t.failed.Swap(false))
}
