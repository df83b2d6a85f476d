package shop

import (
	"context"
	"fmt"
	"sync"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// maxOrders bounds the memory of an example that nobody ever empties.
const maxOrders = 100_000

// Orders implements shop.v1.OrderService. It is safe for concurrent use.
type Orders struct {
	mu      sync.Mutex
	list    []*shopv1.Order // append only, so that watchers may read what they have seen without the lock
	changed chan struct{}   // closed and replaced when list grows
}

// NewOrders returns a service without orders.
func NewOrders() *Orders { return &Orders{changed: make(chan struct{})} }

// CreateOrder takes an order.
func (o *Orders) CreateOrder(_ context.Context, req *shopv1.CreateOrderRequest) (*shopv1.CreateOrderResponse, error) {
	if err := checkItem(req.GetSku(), req.GetQty()); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) == maxOrders {
		return nil, connect.Errorf(connect.CodeResourceExhausted, "this example keeps %d orders: restart it", maxOrders)
	}
	order := &shopv1.Order{
		Id:        fmt.Sprintf("o-%d", len(o.list)+1),
		Sku:       req.GetSku(),
		Qty:       req.GetQty(),
		CreatedAt: timestamppb.Now(),
	}
	o.list = append(o.list, order)
	close(o.changed)
	o.changed = make(chan struct{})
	return &shopv1.CreateOrderResponse{Order: order}, nil
}

// GetOrder answers one order.
func (o *Orders) GetOrder(_ context.Context, req *shopv1.GetOrderRequest) (*shopv1.GetOrderResponse, error) {
	list, _ := o.orders()
	for _, order := range list {
		if order.GetId() == req.GetId() {
			return &shopv1.GetOrderResponse{Order: order}, nil
		}
	}
	return nil, connect.Errorf(connect.CodeNotFound, "no order %q", req.GetId())
}

// WatchOrders sends the orders that exist and then each new one, until the caller leaves.
func (o *Orders) WatchOrders(
	ctx context.Context, req *shopv1.WatchOrdersRequest, stream shopv1connect.OrderServiceWatchOrdersServerStream,
) error {
	for sent := 0; ; {
		list, changed := o.orders()
		for _, order := range list[sent:] {
			if req.GetSku() != "" && req.GetSku() != order.GetSku() {
				continue
			}
			if err := stream.Send(&shopv1.WatchOrdersResponse{Order: order}); err != nil {
				return err
			}
		}
		sent = len(list)
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// orders answers all orders so far and what is closed at the next one.
func (o *Orders) orders() ([]*shopv1.Order, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.list, o.changed
}

func checkItem(sku string, qty int32) error {
	if sku == "" {
		return connect.NewError(connect.CodeInvalidArgument, "sku is empty: say what, such as tea")
	}
	if qty < 1 {
		return connect.Errorf(connect.CodeInvalidArgument, "qty is %d: want at least 1", qty)
	}
	return nil
}
