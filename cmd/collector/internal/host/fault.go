package host

import (
	"context"
	"math/rand/v2"
	"sync"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/examples/shop"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
)

// Fault makes an example fail on purpose, for people who want to see what a failing method looks like.
type Fault struct {
	// Percent of the calls of ReserveStock that fail; 0 for none.
	Percent int
	// Seed chooses which: the same seed, the same calls in the order they come.
	Seed uint64
}

// faultyInventory fails now and then.
type faultyInventory struct {
	*shop.Inventory
	percent int
	mu      sync.Mutex
	dice    *rand.Rand // guarded by mu
}

func newFaultyInventory(fault Fault, stock map[string]int64) *faultyInventory {
	return &faultyInventory{
		Inventory: shop.NewInventory(stock), percent: fault.Percent, dice: rand.New(rand.NewPCG(fault.Seed, fault.Seed)),
	}
}

// ReserveStock takes items off the shelf, or fails.
func (f *faultyInventory) ReserveStock(
	ctx context.Context, req *shopv1.ReserveStockRequest,
) (*shopv1.ReserveStockResponse, error) {
	if f.falls() {
		return nil, connect.NewError(connect.CodeInternal, FaultMessage)
	}
	return f.Inventory.ReserveStock(ctx, req)
}

// FaultMessage is what a call says that failed on purpose.
const FaultMessage = "the shelf is jammed (this fault is seeded)"

func (f *faultyInventory) falls() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dice.IntN(100) < f.percent
}
