package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/contexts"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
)

// settings are the flags that every command has, kept where they are used: in the target and in the printer.
type settings struct {
	streams terminal.Streams
	target  *remote.Target
	out     *render.Printer
	context string // the name of one; empty for the current one
	debug   bool
}

func newSettings(streams terminal.Streams) *settings {
	return &settings{
		streams: streams,
		target:  &remote.Target{Env: streams.Env},
		out: &render.Printer{
			Out: streams.Out, Err: streams.Err, Terminal: streams.OutTerminal, Width: streams.Width, Env: streams.Env, Now: streams.Now,
		},
	}
}

// add defines the flags.
func (s *settings) add(set *pflag.FlagSet) {
	target, options := s.target, &s.out.Options
	set.StringVarP(&target.Server, "server", "s", remote.DefaultServer, "URL of the collector to ask, or unix:PATH")
	set.StringVar(&s.context, "context", "", "named collector to ask, see collector context")
	set.StringVar(&target.Protocol, "protocol", remote.Protocols[0], "connect, grpc or grpcweb")
	set.StringVarP(&options.Output, "output", "o", "",
		"table, wide, tsv, json, jsonl or name (default table on a terminal, tsv in a pipe)")
	set.BoolVar(&options.JSON, "json", false, "same as -o json")
	set.DurationVar(&target.Timeout, "timeout", 10*time.Second, "give up after this long; 0 waits without end")
	set.StringArrayVarP(&target.Headers, contexts.HeaderFlag, "H", nil, "request header 'Name: value', repeatable")
	target.Certificates.Add(set)
	set.StringVar(&target.TokenFile, "token-file", "", "file with a bearer token that says who you are, else "+remote.TokenVariable+" has it")
	set.StringVar(&target.APIKeyFile, "api-key-file", "", "file with an API key that says who you are")
	set.BoolVar(&options.NoColor, "no-color", false, "no colours, as do NO_COLOR and TERM=dumb")
	set.BoolVarP(&options.Quiet, "quiet", "q", false, "no notes on stderr, only errors")
	set.BoolVar(&s.debug, "debug", false, "show requests and responses on stderr")
	for flag, variable := range map[string]string{
		"server": "COLLECTOR_URL", "context": "COLLECTOR_CONTEXT",
		"protocol": "COLLECTOR_PROTOCOL", "timeout": "COLLECTOR_TIMEOUT",
	} {
		envflag.Bind(set, flag, variable)
	}
	envflag.BindAll(set)
}

// prepare settles the flags before a command runs: command line, then environment, then context, then default.
func (s *settings) prepare(cmd *cobra.Command) error {
	if err := envflag.Apply(cmd.Flags(), s.streams.Env); err != nil {
		return err
	}
	file, err := contexts.Load(s.streams.Env)
	if err != nil {
		return err
	}
	if err := file.Apply(s.context, cmd.Flags()); err != nil {
		return err
	}
	if s.debug {
		s.target.Trace = s.streams.Err
	}
	return s.check(cmd.Flags(), cmd.Annotations[extraFormat])
}

// extraFormat annotates a command with a format of output that it has beside those of all.
const extraFormat = "collector_format"

// check refuses what no command could use. extra is a format that this one has beside those of all; empty for none.
func (s *settings) check(set *pflag.FlagSet, extra string) error {
	options := s.out.Options
	if options.JSON && set.Changed("output") && options.Output != render.FormatJSON {
		return failure.Usagef("--json and -o %s exclude each other", options.Output)
	}
	if options.Output != "" && options.Output != extra && !slices.Contains(render.Formats, options.Output) {
		return failure.Usagef("-o %s is not a format: want %s", options.Output, strings.Join(render.Formats, ", "))
	}
	return s.target.Check()
}
