package cli

import (
	"log/slog"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/host"
)

// announce says that a collector accepts calls: to people as a banner, to programs as one line of JSON.
func (a *app) announce(ready host.Ready) {
	if a.io.OutTerminal && !a.flags.json {
		a.banner(ready)
		return
	}
	if err := a.showLine(ready); err != nil {
		a.note("# %v", err) // it runs all the same
	}
}

func (a *app) banner(ready host.Ready) {
	a.note("collector %s is up", ready.ID)
	a.note("  address      %s   Connect, gRPC, gRPC-Web, links", ready.URL)
	if ready.Console != "" {
		a.note("  console      %s", ready.Console)
	}
	a.note("  namespaces   %s", strings.Join(ready.Namespaces, ", "))
	if len(ready.Examples) > 0 {
		a.note("  examples     %s", strings.Join(ready.Examples, ", "))
	}
	store := ready.Store
	if store == host.InMemory {
		store = forgets + " (--db FILE keeps them)"
	}
	a.note("  store        %s", store)
	for i, line := range limitLines(ready.Limits) {
		label := "limits"
		if i > 0 {
			label = ""
		}
		a.note("  %-12s %s", label, line)
	}
	a.note("look at it:    collector status -s %s", ready.URL)
	a.note("Ctrl-C drains it, a second one kills it.")
}

// limitLines are the limits in force, a few on a line.
func limitLines(limits map[string]string) []string {
	const perLine = 4
	var lines []string
	var line []string
	for _, limit := range sortedKeys(limits) {
		if line = append(line, limit+" "+limits[limit]); len(line) == perLine {
			lines, line = append(lines, strings.Join(line, " · ")), nil
		}
	}
	if line != nil {
		lines = append(lines, strings.Join(line, " · "))
	}
	return lines
}

// logger makes the logger of serve, which writes to stderr.
func (a *app) logger(flags serveFlags) (*slog.Logger, error) {
	if err := a.logLevel.UnmarshalText([]byte(flags.logLevel)); err != nil {
		return nil, usagef("--log-level %s: want debug, info, warn or error", flags.logLevel)
	}
	options := &slog.HandlerOptions{Level: &a.logLevel}
	format := flags.logFormat
	if format == "" && a.io.OutTerminal {
		format = "text"
	}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(a.io.Err, options)), nil
	case "", "json":
		return slog.New(slog.NewJSONHandler(a.io.Err, options)), nil
	}
	return nil, usagef("--log-format %s: want text or json", format)
}
