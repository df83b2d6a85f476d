package shop

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"connectrpc.com/connect/v2"

	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
)

// Inventory implements shop.v1.InventoryService. It is safe for concurrent use.
type Inventory struct {
	mu       sync.Mutex
	stock    map[string]int64
	reserved int
}

// NewInventory returns a service with these items on the shelf, by sku.
func NewInventory(stock map[string]int64) *Inventory { return &Inventory{stock: maps.Clone(stock)} }

// ReserveStock takes items off the shelf.
func (i *Inventory) ReserveStock(
	_ context.Context, req *shopv1.ReserveStockRequest,
) (*shopv1.ReserveStockResponse, error) {
	if err := checkItem(req.GetSku(), req.GetQty()); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	left := i.stock[req.GetSku()] - int64(req.GetQty())
	if left < 0 {
		return nil, connect.Errorf(connect.CodeFailedPrecondition, "%d of %q wanted, %d on the shelf",
			req.GetQty(), req.GetSku(), i.stock[req.GetSku()])
	}
	i.stock[req.GetSku()] = left
	i.reserved++
	return &shopv1.ReserveStockResponse{ReservationId: fmt.Sprintf("r-%d", i.reserved), Remaining: left}, nil
}

// GetStock answers how many items are on the shelf.
func (i *Inventory) GetStock(_ context.Context, req *shopv1.GetStockRequest) (*shopv1.GetStockResponse, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return &shopv1.GetStockResponse{Qty: i.stock[req.GetSku()]}, nil
}
