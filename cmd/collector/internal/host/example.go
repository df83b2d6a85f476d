package host

import (
	"maps"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/examples/shop"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// exampleStock is what the example's shelves hold: plenty.
var exampleStock = map[string]int64{"tea": 1_000_000, "milk": 1_000_000, "sugar": 1_000_000}

// examples registers the services of examples/shop, by the namespace that each is hosted in.
var examples = map[string]func(*connect.Server){
	"users":  func(s *connect.Server) { shopv1connect.RegisterUserServiceHandler(s, shop.NewUsers()) },
	"orders": func(s *connect.Server) { shopv1connect.RegisterOrderServiceHandler(s, shop.NewOrders()) },
	"inventory": func(s *connect.Server) {
		shopv1connect.RegisterInventoryServiceHandler(s, shop.NewInventory(exampleStock))
	},
}

// ExampleNames are the values of [Config.Examples].
func ExampleNames() []string { return slices.Sorted(maps.Keys(examples)) }

// example registers an example, with the fault if it is the one that has it.
func (c *Config) example(name string) func(*connect.Server) {
	if name != "inventory" || c.Fault.Percent == 0 {
		return examples[name]
	}
	inventory := newFaultyInventory(c.Fault, exampleStock)
	return func(s *connect.Server) { shopv1connect.RegisterInventoryServiceHandler(s, inventory) }
}
