// Command rig is a collector for the browser tests: it serves a service with every kind of field, may have many peers in
// its own process, and may make traffic. It stops when its input ends.
package main

import (
	"bufio"
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
	"strconv"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/web"
)

func main() {
	peers := flag.Int("peers", 0, "how many more collectors to run and connect")
	rate := flag.Int("rate", 0, "calls a second to make")
	mode := flag.String("console", "full", "full or readonly")
	listen := flag.String("listen", "127.0.0.1:0", "where to listen")
	flag.Parse()
	if err := run(*listen, *peers, *rate, web.Mode(*mode)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(listen string, peers, rate int, mode web.Mode) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	k, err := newCollector(ctx, "k", listen, mode)
	if err != nil {
		return err
	}
	for i := range peers {
		peer, err := newCollector(ctx, fmt.Sprintf("p%02d", i+1), "127.0.0.1:0", web.Full)
		if err != nil {
			return err
		}
		if _, err := k.ConnectTo(ctx, peer.address, nil); err != nil {
			return err
		}
	}
	if rate > 0 {
		go traffic(ctx, k.Dispatcher, rate)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{
		"address": k.address, "url": "http://" + k.address, "console": "http://" + k.address + "/console/",
	}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, bufio.NewReader(os.Stdin))
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
	d, err := dispatcher.New(id, address, []string{"kitchen"}, dispatcher.WithLogger(quiet))
	if err != nil {
		return nil, err
	}
	if err := d.Register("kitchen", func(s *connect.Server) { testingv1connect.RegisterKitchenServiceHandler(s, kitchen{}) }); err != nil {
		return nil, err
	}
	handler, err := web.Mount(d.Handler(), web.Config{Mode: mode})
	if err != nil {
		return nil, err
	}
	go func() {
		if err := d.Server(handler, nil).Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	return &rig{d, address}, nil
}

// kitchen tells what arrived.
type kitchen struct {
	testingv1connect.UnimplementedKitchenServiceHandler
}

func (kitchen) Cook(_ context.Context, req *testingv1.CookRequest) (*testingv1.CookResponse, error) {
	text, err := protojson.Marshal(req)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err.Error())
	}
	return &testingv1.CookResponse{Json: string(text)}, nil
}

func (kitchen) Simmer(
	ctx context.Context, req *testingv1.SimmerRequest, stream testingv1connect.KitchenServiceSimmerServerStream,
) error {
	ticker := time.NewTicker(max(time.Millisecond, time.Duration(req.GetPauseMillis())*time.Millisecond))
	defer ticker.Stop()
	for n := int64(1); req.GetLimit() == 0 || n <= int64(req.GetLimit()); n++ {
		if err := stream.Send(&testingv1.SimmerResponse{Number: n}); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// traffic makes calls through the mesh, one in twenty of them to nobody.
func traffic(ctx context.Context, d *dispatcher.Dispatcher, rate int) {
	const beats = 50
	client := testingv1connect.NewKitchenServiceClient(connect.NewClient(d.Transport("kitchen")))
	ticker := time.NewTicker(time.Second / beats)
	defer ticker.Stop()
	for n := 0; ; {
		for range rate / beats {
			n++
			callCtx, info := connect.NewClientContext(ctx)
			if n%20 == 0 {
				info.RequestHeader().Set("Collective-Target", "nobody")
			} else if n%2 == 0 {
				info.RequestHeader().Set("Collective-Target", fmt.Sprintf("p%02d", n%50+1))
			}
			_, _ = client.Cook(callCtx, &testingv1.CookRequest{Text: strconv.Itoa(n)}) // half of them fail on purpose
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
