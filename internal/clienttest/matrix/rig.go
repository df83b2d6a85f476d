package main

import (
	"context"
	"fmt"
	"os"

	"github.com/collectiverpc/collective/internal/meshtest"
)

const (
	namespace = "test"
	basePath  = "/tools/mesh"
)

// rig is what the clients are run against: collector a, which is the binary and hosts nothing; collector b, which hosts
// the test service and is linked to a; and the proxies before a.
type rig struct {
	config  configuration
	dir     string // of its own files
	schema  string
	tools   map[string]string
	asked   string // where a listens
	hosting *meshtest.Collector
	ways    []way
	trust   authority
	secret  secret
	ends    []func() error // in reverse
}

// way is how a client comes to the collector that it asks.
type way struct {
	name      string
	address   string
	authority string // PEM file of who vouches for the address; empty without TLS
	proxy     *proxy // nil for none
}

// stop ends what was started, the last first.
func (r *rig) stop() {
	for len(r.ends) > 0 {
		last := len(r.ends) - 1
		if err := r.ends[last](); err != nil {
			fmt.Fprintln(os.Stderr, "clients: stopping:", err)
		}
		r.ends = r.ends[:last]
	}
}

// asker asks the cells of one client on one way.
type asker func(ctx context.Context, r *rig, w way) []result
