package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"

	"github.com/collectiverpc/collective/cmd/collector/internal/host"
)

// inside is the life of an actor in this process. It cannot be killed, only cut off: its connections are closed without
// a goodbye.
type inside struct {
	role
	stop   context.CancelFunc // nil when it does not run
	cutOff chan struct{}
	ended  chan error // gets how it ended
}

func (i *inside) begin(ctx context.Context, listen string) (address string, err error) {
	logFile, err := i.openLog()
	if err != nil {
		return "", err
	}
	i.cutOff, i.ended = make(chan struct{}), make(chan error, 1)
	config := host.Config{
		ID: i.id, Listen: listen, Namespaces: i.namespaces, Store: i.path("db"), Examples: []string{i.example},
		Fault: host.Fault{Percent: faultPercent, Seed: i.seed}, Grace: stopTime, CutOff: i.cutOff,
		Logger: slog.New(slog.NewTextHandler(logFile, nil)), Version: "demo",
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ready := make(chan string, 1)
	go func() {
		err := host.Run(running, config, func(r host.Ready) { ready <- r.Address })
		i.ended <- errors.Join(err, logFile.Close())
	}()
	select {
	case address = <-ready:
		i.stop = stop
		return address, nil
	case err := <-i.ended:
		stop()
		return "", i.notStarted(err)
	}
}

func (i *inside) notStarted(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("collector %s did not start: %w: %w", i.id, errTaken, err)
	}
	return fmt.Errorf("collector %s did not start: %w", i.id, err)
}

func (i *inside) kill() error {
	close(i.cutOff)
	err := <-i.ended
	i.stop()
	i.stop = nil
	return err
}

func (i *inside) verb() string { return "cutting off" }

func (i *inside) end() error {
	if i.stop == nil {
		return nil
	}
	i.stop()
	i.stop = nil
	return <-i.ended // the grace bounds it
}
