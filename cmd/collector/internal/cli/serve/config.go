package serve

import (
	"cmp"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/watch"
)

// config is what the flags ask for. dialing has the certificates for other collectors.
func (f *Flags) config(dialing remote.Certificates) (config host.Config, err error) {
	config = host.Config{
		ID: f.id, Listen: f.listen, Namespaces: f.namespaces, Store: cmp.Or(f.store, f.id+".db"), Join: f.joins,
		Examples: f.examples, Fault: f.fault, AllowPlaintext: f.allowPlaintext, UnboundLinks: f.unbound,
		History: f.history, HistoryAge: f.historyAge, BasePath: strings.TrimSuffix(f.basePath, "/"),
		Console: f.console, ConsoleHosts: f.consoleHosts, CORSOrigins: f.corsOrigins, Grace: f.grace,
		Limits: dispatcher.Limits{
			OpenTimeout: cmp.Or(f.open, -1), Streams: f.streams,
			SchemaFileBytes: int(f.schemaFile), SchemaBytes: int(f.schemas),
		},
	}
	config.Reload = new(watch.Hub)
	config.Identity, err = f.identity(dialing)
	return config, err
}
