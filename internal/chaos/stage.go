package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/internal/chaos/ledger"
	"github.com/collectiverpc/collective/internal/chaos/network"
)

// Options say which tests are run, and how.
type Options struct {
	Only      string
	Collector string // the binary; empty to build it
	Short     bool
	Keep      string // where logs and ledgers stay; empty for nowhere
	Relays    bool   // do not try namespaces
	Modules   string // the node_modules with grpc-js; empty to look for it in the repository
}

// Stage is where a test runs, or a part of one: its processes and its network end with it.
type Stage struct {
	Options
	ctx     context.Context
	out     io.Writer
	dir     string // of logs, stores and the ledger
	net     network.Network
	sites   map[string]network.Site
	mu      sync.Mutex // of cleanup
	cleanup []func()
	loads   int
}

// part runs a part of a test on a stage of its own.
func (s *Stage) part(name string, run func(*Stage) ([]Figure, error)) (part, error) {
	own := &Stage{Options: s.Options, ctx: s.ctx, out: s.out, dir: filepath.Join(s.dir, name), sites: make(map[string]network.Site)}
	defer own.end()
	if err := own.begin(); err != nil {
		return part{name: name}, err
	}
	figures, err := run(own)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return part{name, figures}, err
}

// whole runs a test that has one part.
func (s *Stage) whole(run func(*Stage) ([]Figure, error)) ([]Figure, error) {
	p, err := s.part("all", run)
	return p.figures, err
}

func (s *Stage) begin() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	var worse string
	if s.net, worse = newNetwork(s.Options); worse != "" {
		fmt.Fprintf(s.out, "# the network is of %s: %s\n", s.net.Kind(), worse)
	}
	s.defers(s.net.Close)
	return conn.NewMeshSecretFile(s.secret())
}

// secret is the file with the mesh secret.
func (s *Stage) secret() string { return filepath.Join(s.dir, "secret") }

// end undoes what the stage began, the last first.
func (s *Stage) end() {
	for i := len(s.cleanup) - 1; i >= 0; i-- {
		s.cleanup[i]()
	}
}

// defers has something done when the stage is over.
func (s *Stage) defers(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanup = append(s.cleanup, f)
}

// site makes a site, or answers the one there is.
func (s *Stage) site(name string) (network.Site, error) {
	if site, known := s.sites[name]; known {
		return site, nil
	}
	site, err := s.net.Add(name)
	if err == nil {
		s.sites[name] = site
	}
	return site, err
}

// pause waits, or returns early when the run is over.
func (s *Stage) pause(d time.Duration) {
	select {
	case <-s.ctx.Done():
	case <-time.After(d):
	}
}

// lateMost is by how much calls may begin later than planned, in 99 of a hundred cases, on a machine by which one can judge.
const lateMost = 25 * time.Millisecond

// judged notes on figures whether the machine could tell: by the control, and by how late calls began in all of the test.
func (s *Stage) judged(all, control *ledger.Book, figures ...Figure) []Figure {
	busy := ""
	switch {
	case control.Len() == 0:
		busy = "there is no control"
	case control.Lateness() > lateMost:
		busy = fmt.Sprintf("calls of the control began up to %v late", control.Lateness().Round(time.Millisecond))
	case all.Lateness() > 2*lateMost:
		busy = fmt.Sprintf("calls began up to %v late", all.Lateness().Round(time.Millisecond))
	case control.Failed() > 0:
		busy = fmt.Sprintf("%d calls of the control failed: %v", control.Failed(), control.Causes())
	}
	for i := range figures {
		figures[i].Busy = busy
	}
	fmt.Fprintf(s.out, "# %d calls, %d failed; control: %d calls, p99 %v, begun up to %v late\n", all.Len(), all.Failed(),
		control.Len(), control.P99().Round(100*time.Microsecond), control.Lateness().Round(100*time.Microsecond))
	for _, cause := range all.Causes() {
		fmt.Fprintln(s.out, "#", cause)
	}
	return figures
}

// truth are the figures that every test has.
func truth(name string, b *ledger.Book) []Figure {
	return []Figure{count(name+"_wrong", b.Wrong().Len()), count(name+"_double", b.Double().Len())}
}

// newNetwork is the network of one part of a test.
func newNetwork(o Options) (network.Network, string) {
	if o.Relays {
		return network.NewRelays(), "asked for"
	}
	return network.New()
}
