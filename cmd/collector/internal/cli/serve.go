package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/name"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	id, listen, store   string
	namespaces, joins   []string
	examples            []string
	fault               host.Fault
	tlsCert, tlsKey     string
	clientCA            string
	trustDomain         string
	logFormat, logLevel string
	console             string
	basePath            string
	consoleHosts        []string
	corsOrigins         []string
	allowPlaintext      bool
	untilEOF            bool
	grace, open         time.Duration
	history             int
	historyAge          time.Duration
	streams             int
	schemaFile, schemas byteSize
}

func (a *app) serveCommand() *cobra.Command {
	var flags serveFlags
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run a collector",
		Long: "Run a collector: RPC, and links to other collectors, on one port. Without TLS it listens on loopback only. When\n" +
			"stdout is no terminal, one JSON line there says that it is ready and where. Logs go to stderr. Ctrl-C or SIGTERM\n" +
			"drains it, a second one kills it. SIGHUP does not stop it, nor does it need anybody who reads its output.\n\n" +
			"--cacert, --cert, --key and --insecure are for the collectors it dials; with one of them it dials with TLS.\n\n" +
			"With --tls-client-ca and --trust-domain collectors prove to each other who they are: a link needs certificates at\n" +
			"both ends, each with the URI spiffe://NAME/collector/ID and no other. Clients call without one.",
		Example: `  collector serve --id a --ns users,orders --example users
  collector serve --id b --listen 127.0.0.1:50052 --ns orders --example orders --join 127.0.0.1:50051
  collector serve --id a --history 100000              # finished calls survive a restart
  collector serve --listen :50051 --tls-cert cert.pem --tls-key key.pem
  collector serve --id a --listen :50051 --trust-domain mesh.example \
    --tls-cert a.pem --tls-key a.key --tls-client-ca ca.pem --cert a.pem --key a.key --cacert ca.pem`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), flags) },
	}
	flags.add(command.Flags())
	completeWords(command, "example", host.ExampleNames()...)
	completeWords(command, "console", host.ConsoleModes()...)
	completeWords(command, "log-format", "text", "json")
	completeWords(command, "log-level", "debug", "info", "warn", "error")
	return command
}

func (f *serveFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.id, "id", hostID(), "the collector's identity in the mesh")
	set.StringVar(&f.listen, "listen", "127.0.0.1:50051", "host:port to listen on; port 0 takes a free one")
	set.StringSliceVar(&f.namespaces, "ns", nil, "its namespaces (default those of the examples, else \"default\")")
	set.StringVar(&f.store, "db", "", "SQLite file for its connections and schemas; memory forgets them when it stops (default ID.db)")
	set.IntVar(&f.history, "history", 0, "keep this many finished calls in --db, for tap and the console; 0 remembers the last in memory only")
	set.DurationVar(&f.historyAge, "history-age", 7*24*time.Hour, "and none of them longer than this")
	set.Var(&f.schemaFile, "max-schema-file", "the largest .proto file that is taken, compiled and without its comments (default 2MiB)")
	set.Var(&f.schemas, "max-schemas", "how much of them is kept, of those registered here and of those of peers (default 16MiB and 32MiB)")
	set.StringSliceVar(&f.joins, "join", nil, "collectors to connect to, host:port, dialled until they are up")
	set.StringSliceVar(&f.examples, "example", nil, "example services to host: "+strings.Join(host.ExampleNames(), ", "))
	set.IntVar(&f.fault.Percent, "example-fault", 0, "percentage of the example's ReserveStock calls that fail on purpose")
	set.Uint64Var(&f.fault.Seed, "example-seed", 1, "which of them fail")
	set.StringVar(&f.tlsCert, "tls-cert", "", "PEM file with the listener's certificate")
	set.StringVar(&f.tlsKey, "tls-key", "", "PEM file with the listener's key")
	set.StringVar(&f.clientCA, "tls-client-ca", "", "PEM file with the authorities of the collectors that may link; with --trust-domain")
	set.StringVar(&f.trustDomain, "trust-domain", "", "link only with collectors whose certificate has the URI spiffe://NAME/collector/ID")
	set.StringVar(&f.console, "console", "", "the browser console: full, readonly or off (default full on loopback, off beyond it)")
	set.StringVar(&f.basePath, "base-path", "", "path of a reverse proxy below which calls and the console are served too, such as /tools/mesh")
	set.StringSliceVar(&f.consoleHosts, "console-host", nil, "names by which browsers may address this collector, beside loopback ones")
	set.StringSliceVar(&f.corsOrigins, "cors-origin", nil, "origins of web pages that may call, such as https://app.example (default none but its own)")
	set.BoolVar(&f.allowPlaintext, "allow-plaintext", false, "listen and dial beyond loopback without TLS")
	set.IntVar(&f.streams, "max-streams", 0, "how many calls one HTTP/2 connection may have at once (default 1000)")
	set.DurationVar(&f.grace, "grace", 10*time.Second, "how long running calls have when it stops")
	set.DurationVar(&f.open, "open-timeout", 2*time.Second, "how long after the start calls that nobody is known to serve wait for peers; 0 for not at all")
	set.StringVar(&f.logFormat, "log-format", "", "text or json (default text on a terminal, json else)")
	set.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	set.BoolVar(&f.untilEOF, "until-eof", false, "stop when stdin ends, for programs that start a collector")
	for flag, variable := range map[string]string{
		"id": "COLLECTOR_ID", "listen": "COLLECTOR_LISTEN", "ns": "COLLECTOR_NAMESPACES", "db": "COLLECTOR_DB",
		"join": "COLLECTOR_JOIN",
	} {
		bindEnv(set, flag, variable)
	}
}

// hostID is the machine's name as far as it can be a collector id.
func hostID() string {
	hostname, err := os.Hostname()
	short, _, _ := strings.Cut(strings.ToLower(hostname), ".")
	if err != nil || name.CheckCollectorID(short) != nil {
		return "collector"
	}
	return short
}

func (a *app) serve(ctx context.Context, flags serveFlags) error {
	keys := a.newHotkeys(flags)
	config, err := a.hostConfig(flags)
	if err != nil {
		return err
	}
	defer endure(config.Logger)()
	if flags.untilEOF {
		ctx = untilEOF(ctx, a.io.In)
	}
	ctx, stop := context.WithCancel(ctx)
	err = host.Run(ctx, config, func(ready host.Ready) {
		a.announce(ready)
		if keys != nil {
			keys.hear(ctx, a, ready)
		}
	})
	stop()
	if keys != nil {
		keys.wait()
	}
	return asUsage(err)
}

// asUsage makes a failure of a configuration that will not be run.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	if refused, ok := host.IsRefused(err); ok {
		return usagef("%s", refused.What).hint(refused.Hint...)
	}
	if _, ok := errors.AsType[*failure](err); ok {
		return err
	}
	return failuref("%v", err)
}

// untilEOF returns a context that also ends with the input. The goroutine ends with the process: nothing can interrupt
// a read of stdin.
func untilEOF(ctx context.Context, in io.Reader) context.Context {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, in)
	}()
	return ctx
}

func (a *app) hostConfig(flags serveFlags) (host.Config, error) {
	logger, err := a.logger(flags)
	if err != nil {
		return host.Config{}, err
	}
	if err := name.CheckCollectorID(flags.id); err != nil {
		return host.Config{}, usagef("--id: %v", err)
	}
	if flags.grace <= 0 {
		return host.Config{}, usagef("--grace %v: want a positive duration such as 10s", flags.grace)
	}
	if flags.historyAge <= 0 {
		return host.Config{}, usagef("--history-age %v: want a positive duration such as 168h", flags.historyAge)
	}
	if flags.store == "" {
		flags.store = flags.id + ".db"
	}
	config := host.Config{
		ID: flags.id, Listen: flags.listen, Namespaces: flags.namespaces, Store: flags.store, Join: flags.joins,
		Examples: flags.examples, Fault: flags.fault, AllowPlaintext: flags.allowPlaintext,
		History: flags.history, HistoryAge: flags.historyAge, BasePath: strings.TrimSuffix(flags.basePath, "/"),
		Console: flags.console, ConsoleHosts: flags.consoleHosts, CORSOrigins: flags.corsOrigins, Grace: flags.grace,
		Limits: dispatcher.Limits{
			OpenTimeout: cmp.Or(flags.open, -1), Streams: flags.streams,
			SchemaFileBytes: int(flags.schemaFile), SchemaBytes: int(flags.schemas),
		},
		Logger: logger, Version: a.version,
	}
	if config.Identity, err = a.identity(flags); err != nil {
		return host.Config{}, err
	}
	if config.ListenTLS, err = listenTLS(flags); err != nil {
		return host.Config{}, err
	}
	if a.flags.cacert != "" || a.flags.cert != "" || a.flags.insecure {
		config.DialTLS, err = a.tlsConfig()
	}
	return config, err
}

func listenTLS(flags serveFlags) (*tls.Config, error) {
	if flags.tlsCert == "" && flags.tlsKey == "" {
		return nil, nil //nolint:nilnil // plaintext
	}
	pair, err := tls.LoadX509KeyPair(flags.tlsCert, flags.tlsKey)
	if err != nil {
		return nil, usagef("--tls-cert, --tls-key: %v", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if flags.clientCA != "" {
		config.ClientAuth = tls.VerifyClientCertIfGiven // clients that are no collectors have none
		config.ClientCAs, err = readAuthorities("--tls-client-ca", flags.clientCA)
	}
	return config, err
}
