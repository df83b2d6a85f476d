// Command collector runs a collector, looks into the mesh and calls its methods. `collector help` tells the rest.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	os.Exit(cli.Main(ctx, terminal.Standard(), os.Args[1:]))
}
