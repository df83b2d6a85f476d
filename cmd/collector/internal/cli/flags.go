package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// defaultServer is asked when nothing names a collector.
const defaultServer = "http://127.0.0.1:50051"

// protocols are the values of --protocol.
var protocols = []string{"connect", "grpc", "grpcweb"}

// globalFlags are the flags that every command has.
type globalFlags struct {
	server, context, protocol string
	output                    string
	json                      bool
	timeout                   time.Duration
	headers                   []string
	cacert, cert, key         string
	insecure                  bool
	noColor, quiet, debug     bool
}

func (f *globalFlags) add(set *pflag.FlagSet) {
	set.StringVarP(&f.server, "server", "s", defaultServer, "URL of the collector to ask")
	set.StringVar(&f.context, "context", "", "named collector to ask, see collector context")
	set.StringVar(&f.protocol, "protocol", "connect", "connect, grpc or grpcweb")
	set.StringVarP(&f.output, "output", "o", "",
		"table, wide, tsv, json, jsonl or name (default table on a terminal, tsv in a pipe)")
	set.BoolVar(&f.json, "json", false, "same as -o json")
	set.DurationVar(&f.timeout, "timeout", 10*time.Second, "give up after this long; 0 waits without end")
	set.StringArrayVarP(&f.headers, "header", "H", nil, "request header 'Name: value', repeatable")
	set.StringVar(&f.cacert, "cacert", "", "PEM file with the authorities to trust")
	set.StringVar(&f.cert, "cert", "", "PEM file with the client certificate")
	set.StringVar(&f.key, "key", "", "PEM file with the client key")
	set.BoolVar(&f.insecure, "insecure", false, "trust any certificate (for tests only)")
	set.BoolVar(&f.noColor, "no-color", false, "no colours, as do NO_COLOR and TERM=dumb")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "no notes on stderr, only errors")
	set.BoolVar(&f.debug, "debug", false, "show requests and responses on stderr")
	for flag, variable := range map[string]string{
		"server": "COLLECTOR_URL", "context": "COLLECTOR_CONTEXT",
		"protocol": "COLLECTOR_PROTOCOL", "timeout": "COLLECTOR_TIMEOUT",
	} {
		bindEnv(set, flag, variable)
	}
}

// envAnnotation marks a flag that takes its value from an environment variable when it is not given.
const envAnnotation = "collector_env"

func bindEnv(set *pflag.FlagSet, flag, variable string) {
	set.Lookup(flag).Usage += " [" + variable + "]"
	if err := set.SetAnnotation(flag, envAnnotation, []string{variable}); err != nil {
		panic(err) // the flag is defined a few lines above
	}
}

// applyEnv gives flags that are not on the command line the value of their environment variable.
func (a *app) applyEnv(set *pflag.FlagSet) error {
	var failed error
	set.VisitAll(func(flag *pflag.Flag) {
		variable := envOf(flag)
		if variable == "" || flag.Changed || failed != nil {
			return
		}
		value := a.io.Env(variable)
		if value == "" {
			return
		}
		if err := set.Set(flag.Name, value); err != nil {
			failed = usagef("environment variable %s=%q: %v", variable, value, err)
		}
	})
	return failed
}

func envOf(flag *pflag.Flag) string {
	if names := flag.Annotations[envAnnotation]; len(names) == 1 {
		return names[0]
	}
	return ""
}

// prepare settles the flags before a command runs: command line, then environment, then context, then default.
func (a *app) prepare(cmd *cobra.Command) error {
	if err := a.applyEnv(cmd.Flags()); err != nil {
		return err
	}
	if err := a.applyContext(cmd.Flags()); err != nil {
		return err
	}
	return a.checkFlags(cmd.Flags())
}

func (a *app) checkFlags(set *pflag.FlagSet) error {
	if a.flags.json && set.Changed("output") && a.flags.output != formatJSON {
		return usagef("--json and -o %s exclude each other", a.flags.output)
	}
	if a.flags.output != "" && !slices.Contains(formats, a.flags.output) {
		return usagef("-o %s is not a format: want %s", a.flags.output, strings.Join(formats, ", "))
	}
	if !slices.Contains(protocols, a.flags.protocol) {
		return usagef("--protocol %s is unknown: want %s", a.flags.protocol, strings.Join(protocols, ", "))
	}
	if a.flags.timeout < 0 {
		return usagef("--timeout %v: want a duration such as 10s, or 0 for none", a.flags.timeout)
	}
	_, err := a.headers()
	return err
}

// header is one -H.
type header struct{ name, value string }

// valid tells what HTTP can send.
func (h header) valid() bool {
	notToken := func(r rune) bool {
		return r > '~' || !strings.ContainsRune("!#$%&'*+-.^_`|~", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}
	notValue := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return h.name != "" && !strings.ContainsFunc(h.name, notToken) && !strings.ContainsFunc(h.value, notValue)
}

// reserved refuses what would be dropped or overwritten on its way without a word.
func (h header) reserved() error {
	name := strings.ToLower(h.name)
	switch name {
	case "collective-namespace":
		return usagef("-H %s: --ns NAMESPACE says it", h.name)
	case "collective-target":
		return usagef("-H %s: --to COLLECTOR says it", h.name)
	}
	if slices.Contains(transportHeaders, name) || strings.HasPrefix(name, "connect-") || strings.HasPrefix(name, "collective-") {
		return usagef("-H %s: the protocol writes this header itself", h.name)
	}
	return nil
}

// transportHeaders are those of HTTP and of the RPC protocols.
var transportHeaders = []string{
	"accept-encoding", "connection", "content-encoding", "content-length", "content-type", "grpc-accept-encoding",
	"grpc-encoding", "grpc-timeout", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
}

func (a *app) headers() ([]header, error) {
	var list []header
	for _, text := range a.flags.headers {
		name, value, found := strings.Cut(text, ":")
		h := header{strings.TrimSpace(name), strings.TrimSpace(value)}
		if !found || !h.valid() {
			return nil, usagef("-H %q: want 'Name: value'", text)
		}
		if err := h.reserved(); err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	return list, nil
}

// format is the form of output in force.
func (a *app) format() string {
	switch {
	case a.flags.json:
		return formatJSON
	case a.flags.output != "":
		return a.flags.output
	case a.io.OutTerminal:
		return formatTable
	}
	return formatTSV
}

func (a *app) color() bool {
	return a.io.OutTerminal && !a.flags.noColor && a.io.Env("NO_COLOR") == "" && a.io.Env("TERM") != "dumb"
}

// duration prints a time span the way people say it: three places at most.
func duration(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d µs", d.Microseconds())
}
