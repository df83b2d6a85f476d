package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// patience is how long the whole run may take.
const patience = 15 * time.Minute

func main() {
	var config configuration
	flag.StringVar(&config.collector, "collector", "bin/collector", "the binary of the collector that is asked")
	flag.StringVar(&config.clients, "clients", "internal/clienttest", "the folder with the clients")
	flag.StringVar(&config.proxies, "proxies", "docs/proxies.md", "the document with the configurations of the proxies")
	flag.StringVar(&config.page, "page", "docs/clients.md", "the document with what works")
	flag.BoolVar(&config.update, "update", false, "write the page instead of comparing with it")
	flag.StringVar(&config.only, "run", "", "run only the clients and ways whose name contains this; the page is left alone")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	if err := run(ctx, config); err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config configuration) (err error) {
	dir, err := os.MkdirTemp("", "clients")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	rig, err := startRig(ctx, config, dir)
	if err != nil {
		return err
	}
	defer rig.stop()
	report, err := rig.measure(ctx, config.only)
	if err != nil {
		return err
	}
	return errors.Join(report.failure(), settle(report, config))
}

// settle writes the page, or compares what was measured with it.
func settle(r report, config configuration) error {
	if config.only != "" {
		return nil
	}
	measured := r.page()
	if config.update {
		return os.WriteFile(config.page, []byte(measured), 0o644)
	}
	written, err := os.ReadFile(config.page)
	if err != nil {
		return err
	}
	if string(written) != measured {
		return fmt.Errorf("%s does not say what was measured: look at it after make clients UPDATE=1", config.page)
	}
	return nil
}
