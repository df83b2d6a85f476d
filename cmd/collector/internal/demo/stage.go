package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
)

// stage is the three collectors and their files.
type stage struct {
	a, b, c *actor
	dir     string
	kept    bool
}

// newStage prepares collectors that are not started yet.
func newStage(config Config, notice func(string, ...any)) (*stage, error) {
	dir, err := stageDir(config.Keep)
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir, kept: config.Keep != ""}
	listen := addresses(config.Port, notice)
	for i, r := range []role{
		{id: "a", namespaces: []string{"users", "orders"}, example: "users"},
		{id: "b", namespaces: []string{"orders", "inventory"}, example: "orders"},
		{id: "c", namespaces: []string{"inventory", "users"}, example: "inventory"},
	} {
		r.dir, r.seed = dir, config.Seed
		*[]**actor{&s.a, &s.b, &s.c}[i] = &actor{role: r, life: config.life(r), listen: listen[i]}
	}
	return s, nil
}

func (c *Config) life(r role) life {
	if c.InProcess {
		return &inside{role: r}
	}
	return &process{role: r, program: c.Program}
}

func stageDir(keep string) (string, error) {
	if keep == "" {
		return os.MkdirTemp("", "collector-demo-")
	}
	return keep, os.MkdirAll(keep, 0o700)
}

// addresses are three ports from first on, or free ones if any of them is taken or first is 0.
func addresses(first int, notice func(string, ...any)) [3]string {
	free := [3]string{anyPort, anyPort, anyPort}
	if first == 0 {
		return free
	}
	var usual [3]string
	for i := range usual {
		usual[i] = fmt.Sprintf("127.0.0.1:%d", first+i)
	}
	for _, address := range usual {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			notice("%s is taken, so the collectors listen on free ports", address)
			return free
		}
		_ = listener.Close() // it was only to see whether it is free
	}
	return usual
}

func (s *stage) actors() []*actor { return []*actor{s.a, s.b, s.c} }

// round are the calls that are made again and again, one of each. Three are asked of a collector that does not have the
// method, one of the collector that has it.
func (s *stage) round() []demoCall {
	return []demoCall{
		{s.a, s.b, "orders", "shop.v1.OrderService", "CreateOrder", &shopv1.CreateOrderRequest{Sku: "tea", Qty: 2}},
		{s.c, s.a, "users", "shop.v1.UserService", "GetUser", &shopv1.GetUserRequest{Id: "u-1"}},
		{s.b, s.c, "inventory", "shop.v1.InventoryService", "ReserveStock", &shopv1.ReserveStockRequest{Sku: "tea", Qty: 2}},
		{s.a, s.a, "users", "shop.v1.UserService", "ListUsers", &shopv1.ListUsersRequest{}},
	}
}

// collectors are the actors as the report has them.
func (s *stage) collectors() []Collector {
	var all []Collector
	for _, a := range s.actors() {
		all = append(all, Collector{ID: a.id, URL: a.url(), Namespaces: a.namespaces, Example: a.example})
	}
	return all
}

// open starts the collectors and links them as in the picture: a with b and c, and b with c.
func (s *stage) open(ctx context.Context, note func(string, ...any)) error {
	for _, actor := range s.actors() {
		if err := actor.startSomewhere(ctx, note); err != nil {
			return err
		}
	}
	for _, pair := range [][2]*actor{{s.a, s.b}, {s.a, s.c}, {s.b, s.c}} {
		if err := link(ctx, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// close stops every collector and removes the files, unless they are kept.
func (s *stage) close() error {
	stopped := make(chan error, len(s.actors()))
	for _, actor := range s.actors() {
		go func() { stopped <- actor.stop() }()
	}
	var err error
	for range s.actors() {
		err = errors.Join(err, <-stopped)
	}
	if s.kept {
		return err
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
