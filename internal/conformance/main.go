package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/collectiverpc/collective/internal/conformance/client"
	"github.com/collectiverpc/collective/internal/conformance/relay"
	"github.com/collectiverpc/collective/internal/conformance/server"
	"github.com/collectiverpc/collective/internal/conformance/suite"
)

// roles are what this program can be, by its first argument.
var roles = map[string]func(ctx context.Context, stdin io.Reader, stdout io.Writer) error{
	"suite": func(ctx context.Context, _ io.Reader, stdout io.Writer) error {
		return suite.Run(ctx, stdout, os.Stderr)
	},

	"plain":  serve(server.Plain),
	"local":  serve(server.Local),
	"routed": serve(server.Routed),

	"client":       client.Routed,
	"plain-client": client.Plain,

	server.RoleHost: server.Host,
	relay.Role:      relay.Run,
}

func serve(start server.Start) func(context.Context, io.Reader, io.Writer) error {
	return func(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
		return server.Run(ctx, start, stdin, stdout)
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	role, ok := roles[os.Args[len(os.Args)-1]]
	if len(os.Args) != 2 || !ok {
		fmt.Fprintln(os.Stderr, "this program is started by make conformance")
		os.Exit(2)
	}
	if err := role(ctx, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}
