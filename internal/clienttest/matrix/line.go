package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	grpcmetadata "google.golang.org/grpc/metadata"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
)

// What else goes through a proxy, beside the calls of clients.
const (
	linkUpgraded  cell = "link"
	linkCarried   cell = "link without its lines"
	console       cell = "console"
	consoleBelow  cell = "console below a path"
	consoleStream cell = "the console's stream"
)

// What the ids and the namespaces of the linking collectors begin with.
const (
	linked    = "linked-"
	carriedBy = "carried-"
)

// carried are the rows of the second table, and what has to happen for a ✓.
var carried = []struct {
	cell  cell
	about string
	try   func(r *rig, ctx context.Context, w way) error
}{
	{linkUpgraded, "another collector links by the upgrade, and what it hosts is called over the link", (*rig).linkUpgraded},
	{linkCarried, "the lines for `/collector.link` are taken out: the link is carried by the RPC", (*rig).linkCarried},
	{console, "the page and the files it names", func(r *rig, ctx context.Context, w way) error { return r.openConsole(ctx, w, "") }},
	{consoleBelow, "the same below `--base-path`", func(r *rig, ctx context.Context, w way) error { return r.openConsole(ctx, w, basePath) }},
	{consoleStream, "what the console watches comes at once, and goes on", (*rig).watch},
}

// line is what one proxy carries.
type line struct {
	way   way
	found map[cell]string
}

func (l line) passed() int { return passed(l.found) }

func (r *rig) measureLines(ctx context.Context, only string) ([]line, error) {
	var lines []line
	for _, w := range r.ways {
		if w.proxy == nil || !matches(only, "links and console via "+w.name) {
			continue
		}
		l := line{w, make(map[cell]string)}
		for _, c := range carried {
			l.found[c.cell] = answer(c.cell, c.try(r, ctx, w)).Problem
		}
		l.print()
		lines = append(lines, l)
	}
	return lines, nil
}

func (l line) print() {
	fmt.Printf("CLIENT links and console via %s %d/%d\n", l.way.name, l.passed(), len(l.found))
	for _, c := range carried {
		if problem := l.found[c.cell]; problem != "" {
			fmt.Printf("  %s: %s\n", c.cell, problem)
		}
	}
}

func matches(pattern, name string) bool { return strings.Contains(name, pattern) }

func (r *rig) linkUpgraded(ctx context.Context, w way) error {
	return r.link(ctx, w.address, linked+w.name, conn.CarrierUpgrade)
}

// linkCarried links through another proxy of the same kind that knows nothing of links.
func (r *rig) linkCarried(ctx context.Context, w way) error {
	forget := func(block string) string { return strings.ReplaceAll(block, "/collector.link", "/elsewhere") }
	address, err := r.startProxy(ctx, w.proxy, w.name+"-without", forget)
	if err != nil {
		return err
	}
	return r.link(ctx, address, carriedBy+w.name, conn.CarrierRPC)
}

// link makes a collector with a namespace of its own join a through a proxy, and has a call it back. A proxy that says for
// whom it asks needs the secret, and one that ends TLS links that are not tied to it.
func (r *rig) link(ctx context.Context, address, id, carrier string) (err error) {
	trust, err := r.trust.config()
	if err != nil {
		return err
	}
	c, err := meshtest.Start(id, []string{id}, nil, dispatcher.WithTLS(trust), dispatcher.WithConn(r.secret.option(), conn.WithUnboundLinks()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := hostEcho(c, id); err != nil {
		return err
	}
	if err := meshtest.Connect(ctx, c.Dispatcher, address); err != nil {
		return err
	}
	if err := eventually(ctx, "a call back", func(ctx context.Context) error { return r.ask(ctx, id, id) }); err != nil {
		return err
	}
	peer, ok := c.Connections().Table().Peer("a")
	if !ok || peer.Carrier != carrier {
		return fmt.Errorf("the link is carried by %+v, not by %s", peer, carrier)
	}
	return nil
}

// ask asks a for what a collector hosts in a namespace.
func (r *rig) ask(ctx context.Context, namespace, id string) error {
	return askOnce(ctx, way{address: r.asked}, func(c goClient, ctx context.Context) error {
		text, err := c.echo(grpcmetadata.AppendToOutgoingContext(ctx, mesh.HeaderNamespace, namespace), "hi")
		return errors.Join(err, same("hi on "+id, text))
	})
}

// browser is an HTTP client that finds the proxy under the name that its certificate has.
func (r *rig) browser(w way) (*http.Client, error) {
	trust, err := r.trust.config()
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, w.address)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: trust, DialContext: dial, ForceAttemptHTTP2: true}}, nil
}

var asset = regexp.MustCompile(`(?:src|href)="(/[^"]+)"`)

func (r *rig) openConsole(ctx context.Context, w way, base string) error {
	browser, err := r.browser(w)
	if err != nil {
		return err
	}
	defer browser.CloseIdleConnections()
	page, err := get(ctx, browser, base+"/console/")
	if err != nil {
		return err
	}
	assets := asset.FindAllSubmatch(page, -1)
	if len(assets) == 0 {
		return fmt.Errorf("this is no console: %s", page)
	}
	for _, found := range assets {
		content, err := get(ctx, browser, string(found[1]))
		if err != nil || bytes.Equal(content, page) {
			return fmt.Errorf("%s is not a file of the console: %w", found[1], err)
		}
	}
	return nil
}

func get(ctx context.Context, browser *http.Client, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+proxyName+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := browser.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return nil, errors.Join(err, fmt.Errorf("%s: %s: %s", path, res.Status, content))
	}
	return content, err
}

// watch logs in as the console does, reads what it reads, and stays until a change that comes later has arrived.
func (r *rig) watch(ctx context.Context, w way) error {
	browser, err := r.browser(w)
	if err != nil {
		return err
	}
	defer browser.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	page, err := r.logIn(ctx, browser)
	if err != nil {
		return err
	}
	client := meshv1connect.NewMeshServiceClient(connect.NewClient(connecthttp.NewTransport(page, "https://"+proxyName)))
	stream, err := client.Watch(ctx, &meshv1.WatchRequest{})
	if err != nil {
		return err
	}
	first, err := stream.Receive()
	if err != nil {
		return fmt.Errorf("no snapshot: %w", err)
	}
	asked := make(chan error, 1)
	go func() { asked <- r.ask(ctx, namespace, "b") }() // a call is a change
	second, err := stream.Receive()
	if err := errors.Join(err, <-asked); err != nil {
		return fmt.Errorf("nothing after the snapshot: %w", err)
	}
	return same(first.GetEvent()+1, second.GetEvent())
}
