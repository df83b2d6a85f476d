package load

import (
	"context"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/ledger"
)

// The methods.
const (
	readPath  = "/chaos.v1.WorkService/Read"
	writePath = "/chaos.v1.WorkService/Write"
)

// call is one of a plan.
type call struct {
	id     uint64
	write  bool
	work   time.Duration
	target string // the collector that is to run it; empty for any
}

// client makes calls. What it returns is the outcome without its times.
type client interface {
	call(ctx context.Context, c call) ledger.Outcome
	close()
}

// call makes the one with a number: which of them write, and which are long, is the same in every run.
func (p *Plan) call(number int) call {
	c := call{id: uint64(p.Number)<<32 | uint64(number+1), work: p.Work}
	spread := number * 617 % 1000 // each value once in a thousand calls, neighbours far apart
	if c.write = spread < p.Writes; number*389%1000 < p.Long {
		c.work = p.LongWork
	} else if p.Work > 0 {
		c.work += p.Work * time.Duration(number*7919%1001-500) / 1000
	}
	return c
}
