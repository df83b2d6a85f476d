package serve

import (
	"cmp"
	"crypto/tls"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/name"
)

// config is what the flags ask for. dialing has the certificates for other collectors.
func (f *Flags) config(dialing remote.Certificates) (config host.Config, err error) {
	if err := name.CheckCollectorID(f.id); err != nil {
		return host.Config{}, failure.Usagef("--id: %v", err)
	}
	if f.grace <= 0 {
		return host.Config{}, failure.Usagef("--grace %v: want a positive duration such as 10s", f.grace)
	}
	if f.historyAge <= 0 {
		return host.Config{}, failure.Usagef("--history-age %v: want a positive duration such as 168h", f.historyAge)
	}
	config = host.Config{
		ID: f.id, Listen: f.listen, Namespaces: f.namespaces, Store: cmp.Or(f.store, f.id+".db"), Join: f.joins,
		Examples: f.examples, Fault: f.fault, AllowPlaintext: f.allowPlaintext,
		History: f.history, HistoryAge: f.historyAge, BasePath: strings.TrimSuffix(f.basePath, "/"),
		Console: f.console, ConsoleHosts: f.consoleHosts, CORSOrigins: f.corsOrigins, Grace: f.grace,
		Limits: dispatcher.Limits{
			OpenTimeout: cmp.Or(f.open, -1), Streams: f.streams,
			SchemaFileBytes: int(f.schemaFile), SchemaBytes: int(f.schemas),
		},
	}
	if config.Identity, err = f.identity(dialing); err != nil {
		return host.Config{}, err
	}
	if config.ListenTLS, err = f.listenTLS(); err != nil {
		return host.Config{}, err
	}
	if dialing.Given() {
		config.DialTLS, err = dialing.TLS()
	}
	return config, err
}

func (f *Flags) listenTLS() (*tls.Config, error) {
	if f.tlsCert == "" && f.tlsKey == "" {
		return nil, nil //nolint:nilnil // plaintext
	}
	pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
	if err != nil {
		return nil, failure.Usagef("--tls-cert, --tls-key: %v", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if f.clientCA != "" {
		config.ClientAuth = tls.VerifyClientCertIfGiven // clients that are no collectors have none
		config.ClientCAs, err = remote.ReadAuthorities("--tls-client-ca", f.clientCA)
	}
	return config, err
}
