// Command rig is a collector for the browser tests: it serves a service with every kind of field and one with hundreds,
// may have many peers in its own process, each linked to it over a socket, peers with other schemas too, and may make
// traffic. It stops when its input ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/collectiverpc/collective/web"
)

func main() {
	peers := flag.Int("peers", 0, "how many more collectors to run and connect")
	rate := flag.Int("rate", 0, "calls a second to make")
	skew := flag.Bool("skew", false, "two more collectors, with other schemas of one service")
	mode := flag.String("console", "full", "full or readonly")
	listen := flag.String("listen", "127.0.0.1:0", "where to listen")
	flag.Parse()
	if err := run(*listen, *peers, *rate, *skew, web.Mode(*mode)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(listen string, peers, rate int, skew bool, mode web.Mode) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	k, err := newCollector(ctx, "k", listen, mode)
	if err != nil {
		return err
	}
	if err := k.surround(ctx, peers); err != nil {
		return err
	}
	if skew {
		if err := k.differ(ctx); err != nil {
			return err
		}
	}
	if rate > 0 {
		defer traffic(ctx, k.Dispatcher, rate, peers)()
	}
	defer stop()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{
		"address": k.address, "url": "http://" + k.address, "console": "http://" + k.address + "/console/",
	}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
