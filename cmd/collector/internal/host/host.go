package host

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"sync"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/mesh"
	"github.com/collectiverpc/collective/registry"
)

// Ready is what there is to say when a collector accepts calls.
type Ready struct {
	ID         string            `json:"id"`
	Address    string            `json:"address"`
	URL        string            `json:"url"`
	Console    string            `json:"console,omitempty"`
	Namespaces []string          `json:"namespaces"`
	Store      string            `json:"store"`
	Examples   []string          `json:"examples,omitempty"`
	Limits     map[string]string `json:"limits"`
	// Trust has a line for each way in: how whoever comes there is known.
	Trust []string `json:"trust"`
	// Login makes the token of a link to the console that logs in, see dispatcher.LoginToken. It is not part of what is told
	// to programs.
	Login func() string `json:"-"`
}

// Run runs a collector until ctx is done, and then drains it. ready is called once, when it accepts calls. A
// configuration that will not be run is a *[RefusedError].
func Run(ctx context.Context, config Config, ready func(Ready)) (err error) {
	if err := config.check(); err != nil {
		return err
	}
	files, err := sources()
	if err != nil {
		return err
	}
	setup := context.WithoutCancel(ctx) // it is short, and being told to stop meanwhile is no failure
	kept, err := openState(setup, config.Store, registry.WithSources(files),
		registry.WithLimits(registry.Limits{FileBytes: config.Limits.SchemaFileBytes, TotalBytes: config.Limits.SchemaBytes}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.close()) }()
	defer config.reloadAccess()()
	listener, err := new(net.ListenConfig).Listen(setup, "tcp", config.Listen)
	if err != nil {
		return err
	}
	d, err := build(config, listener.Addr().String(), kept, files)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return serve(ctx, config, d, listener, ready)
}

// build makes the dispatcher and registers what it hosts.
func build(
	config Config, address string, kept *state, files *descriptorpb.FileDescriptorSet,
) (*dispatcher.Dispatcher, error) {
	opts := []dispatcher.Option{
		dispatcher.WithSources(files),
		dispatcher.WithRegistry(kept.registry),
		dispatcher.WithLogger(config.Logger),
		dispatcher.WithVersion(config.Version),
		dispatcher.WithCORSOrigins(config.CORSOrigins...),
		config.showConsole(),
		dispatcher.WithHosts(config.ConsoleHosts...),
		dispatcher.WithLimits(config.Limits),
	}
	if kept.file != nil {
		opts = append(opts, dispatcher.WithStore(kept.file),
			dispatcher.WithStoredHistory(config.History, config.HistoryAge))
	}
	if config.DialTLS != nil {
		opts = append(opts, dispatcher.WithTLSSource(config.DialTLS))
	}
	if config.Identity != nil {
		opts = append(opts, dispatcher.WithConn(conn.WithIdentity(config.Identity)))
	}
	if config.MeshSecretFile != "" {
		opts = append(opts, dispatcher.WithMeshSecretFile(config.MeshSecretFile))
	}
	for _, more := range config.Warnings {
		opts = append(opts, dispatcher.WithWarnings(more))
	}
	if config.Access != nil {
		opts = append(opts, dispatcher.WithAccess(config.Access))
	}
	if config.UnboundLinks {
		opts = append(opts, dispatcher.WithConn(conn.WithUnboundLinks()))
	}
	if config.AllowPlaintext {
		opts = append(opts, dispatcher.WithPlaintext())
	}
	d, err := dispatcher.New(config.ID, address, config.namespaces(), opts...)
	if err != nil {
		return nil, asRefused(err)
	}
	for _, name := range config.Examples {
		if err := d.Register(name, config.example(name)); err != nil {
			return nil, errors.Join(asRefused(err), d.Shutdown(context.Background()))
		}
	}
	return d, nil
}

// serve runs the collector, and connects it to those it joins.
func serve(ctx context.Context, config Config, d *dispatcher.Dispatcher, listener net.Listener, ready func(Ready)) error {
	joining, stopJoining := context.WithCancel(ctx)
	var joins sync.WaitGroup
	defer joins.Wait()
	defer stopJoining()
	joined := make(chan struct{})
	return d.ServeListener(ctx, listener, dispatcher.Serving{
		TLS:     config.ListenTLS,
		Handler: below(config.BasePath, d.Handler()),
		Grace:   config.Grace,
		Joined:  joined,
		CutOff:  config.CutOff,
		Ready: func() {
			ready(readiness(config, d, listener.Addr().String()))
			joins.Go(func() { joinAll(joining, config, d, joined) })
			joins.Go(func() { joinMore(joining, config, d) })
		},
	})
}

func readiness(config Config, d *dispatcher.Dispatcher, address string) Ready {
	scheme := "http"
	if config.ListenTLS != nil {
		scheme = "https"
	}
	console := ""
	if config.console() != ConsoleOff {
		console = scheme + "://" + address + config.BasePath + consolePath
	}
	posture := d.Posture()
	return Ready{
		Console: console,
		ID:      config.ID, Address: address, URL: scheme + "://" + address, Namespaces: config.namespaces(),
		Store: config.Store, Examples: slices.Sorted(slices.Values(config.Examples)), Limits: posture.Limits,
		Trust: slices.Concat(posture.Links, posture.Callers),
		Login: d.LoginToken,
	}
}

// ConsoleLink is a link to the console that logs one browser in; empty if there is no console.
func (r *Ready) ConsoleLink() string {
	if r.Console == "" {
		return ""
	}
	return r.Console + "?" + url.Values{mesh.LoginToken: {r.Login()}}.Encode()
}
