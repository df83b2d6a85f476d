// Command rig is a collector for the browser tests: it serves a service with every kind of field and one with hundreds,
// may have many peers in its own process, each linked to it over a socket, peers with other schemas too, and may make
// traffic. It stops when its input ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/web"
)

const namespace = "kitchen"

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

type rig struct {
	*dispatcher.Dispatcher
	address string
}

func newCollector(ctx context.Context, id, listen string, mode web.Mode) (*rig, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	d, err := dispatcher.New(id, address, []string{namespace}, dispatcher.WithLogger(quiet), dispatcher.WithConsole(web.Config{Mode: mode}))
	if err != nil {
		return nil, err
	}
	if err := d.Register(namespace, func(s *connect.Server) { testingv1connect.RegisterKitchenServiceHandler(s, kitchen{}) }); err != nil {
		return nil, err
	}
	go func() {
		if err := d.Server(d.Handler(), nil).Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	return &rig{d, address}, nil
}

// surround gives k so many neighbours. k alone has the service with hundreds of fields and the one with extensions.
func (k *rig) surround(ctx context.Context, peers int) error {
	if err := errors.Join(registerWide(k.Dispatcher, asItIs), registerNotes(ctx, k.Dispatcher)); err != nil {
		return err
	}
	for i := range peers {
		peer, err := newCollector(ctx, peerName(i), "127.0.0.1:0", web.Full)
		if err != nil {
			return err
		}
		if _, err := k.ConnectTo(ctx, peer.address, nil); err != nil {
			return err
		}
	}
	return nil
}

func peerName(i int) string { return fmt.Sprintf("p%02d", i+1) }
