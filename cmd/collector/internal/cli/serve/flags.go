package serve

import (
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/config"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/serve/callers"
	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	"github.com/collectiverpc/collective/internal/name"
)

// Flags are the flags of serve.
type Flags struct {
	id, listen, store   string
	namespaces, joins   []string
	examples            []string
	fault               host.Fault
	tlsCert, tlsKey     string
	clientCA            string
	trustDomain         string
	meshSecret          string
	pki                 string
	callers             callers.Flags
	logFormat, logLevel string
	console             string
	basePath            string
	consoleHosts        []string
	corsOrigins         []string
	allowPlaintext      bool
	unbound             bool
	untilEOF            bool
	grace, open         time.Duration
	history             int
	historyAge          time.Duration
	streams             int
	schemaFile, schemas byteSize
}

// Add defines them.
func (f *Flags) Add(set *pflag.FlagSet) {
	set.String(config.Flag, "", "YAML or JSON file with a field for each of these flags; flags and variables win (docs/configuration.md)")
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
	set.StringVar(&f.meshSecret, "mesh-secret-file", "", "link only with collectors that know the secret in this file; see collector trust new-secret")
	set.BoolVar(&f.unbound, "unbound-links", false, "let links pass proxies that end TLS, which can then read and change what crosses; at both ends")
	set.StringVar(&f.pki, "pki", "", "directory of collector pki, in place of the flags about certificates: TLS, and links only with collectors of its authority")
	f.callers.Add(set)
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
		envflag.Bind(set, flag, variable)
	}
	envflag.BindAll(set)
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

// Standard are the flags that a configuration file has fields for, as they are without a command line.
func Standard() *pflag.FlagSet {
	set := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	new(Flags).Add(set)
	new(remote.Certificates).Add(set)
	return set
}
