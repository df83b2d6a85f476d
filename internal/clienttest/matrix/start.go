package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// startRig starts everything or, on an error, leaves nothing running. The steps build on each other.
func startRig(ctx context.Context, config configuration, dir string) (*rig, error) {
	r := &rig{config: config, dir: dir, schema: filepath.Join(dir, "schema.binpb"), tools: make(map[string]string)}
	for _, step := range []func(context.Context) error{r.prepare, r.startAsked, r.startHosting, r.startProxies} {
		if err := step(ctx); err != nil {
			r.stop()
			return nil, err
		}
	}
	return r, nil
}

// prepare makes what needs no collector.
func (r *rig) prepare(ctx context.Context) error {
	for _, name := range []string{"buf", "grpcurl", "ghz"} {
		path, err := pinned(ctx, name)
		if err != nil {
			return err
		}
		r.tools[name] = path
	}
	var err error
	if r.secret, err = newSecret(r.dir); err != nil {
		return err
	}
	r.trust, err = newAuthority(r.dir)
	return errors.Join(err, writeSchema(r.schema), r.writeBodies())
}

// startAsked runs the binary until its standard input ends.
func (r *rig) startAsked(context.Context) error {
	command := exec.Command(r.config.collector, "serve", "--id", "a", "--ns", strings.Join(namespaces(), ","), "--listen", "127.0.0.1:0", "--db", "memory", //nolint:noctx // it ends with its standard input
		"--console-host", proxyName, "--base-path", basePath, "--until-eof", "--log-level", "error", "--mesh-secret-file", r.secret.file)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	r.ends = append(r.ends, func() error { return errors.Join(input.Close(), command.Wait()) })
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%s said nothing: %w", r.config.collector, err)
	}
	var ready struct{ Address string }
	if err := json.Unmarshal(line, &ready); err != nil {
		return fmt.Errorf("%s said %q: %w", r.config.collector, line, err)
	}
	r.asked = ready.Address
	go func() { _, _ = io.Copy(io.Discard, output) }()
	return nil
}

// namespaces are those of a: the one of the clients, and one for each collector that links through a proxy.
func namespaces() []string {
	all := []string{namespace}
	for _, p := range proxies {
		all = append(all, linked+p.name, carriedBy+p.name)
	}
	return all
}

// startHosting starts b and waits until a knows what it has.
func (r *rig) startHosting(ctx context.Context) error {
	b, err := meshtest.Start("b", []string{namespace}, nil, dispatcher.WithConn(r.secret.option()))
	if err != nil {
		return err
	}
	r.hosting = b
	r.ends = append(r.ends, b.Stop)
	r.ways = []way{{name: "direct", address: b.Address}, {name: "routed", address: r.asked}}
	if err := hostEcho(b, namespace); err != nil {
		return err
	}
	if err := meshtest.Connect(ctx, b.Dispatcher, r.asked); err != nil {
		return err
	}
	return eventually(ctx, "a to know b's methods", func(ctx context.Context) error { return askOnce(ctx, r.ways[1], goClient.unary) })
}
