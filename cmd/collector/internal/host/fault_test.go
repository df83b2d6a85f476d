package host

import (
	"math/rand/v2"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/examples/shop"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
)

// The same seed fails the same calls, and about as many as asked for.
func TestFaultIsSeeded(t *testing.T) {
	t.Parallel()
	const calls = 1000
	first, again := faults(t, calls), faults(t, calls)
	failed := 0
	for i := range first {
		if first[i] != again[i] {
			t.Fatalf("call %d: %v, then %v", i, first[i], again[i])
		}
		if first[i] {
			failed++
		}
	}
	if failed < calls/10 || failed > calls/5 {
		t.Errorf("%d of %d calls failed, want about 15 %%", failed, calls)
	}
}

func faults(t *testing.T, calls int) []bool {
	t.Helper()
	inventory := &faultyInventory{
		Inventory: shop.NewInventory(exampleStock), percent: 15, dice: rand.New(rand.NewPCG(1, 1)),
	}
	failed := make([]bool, calls)
	for i := range failed {
		_, err := inventory.ReserveStock(t.Context(), &shopv1.ReserveStockRequest{Sku: "tea", Qty: 1})
		if failed[i] = err != nil; failed[i] && connect.CodeOf(err) != connect.CodeInternal {
			t.Fatalf("failed with %v", err)
		}
	}
	return failed
}
