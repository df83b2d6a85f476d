package serve

import (
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	"github.com/collectiverpc/collective/cmd/collector/internal/host"
)

// Forgets is what a store in memory does.
const Forgets = "in memory: connections and registered schemas are forgotten when it stops"

// announce says that a collector accepts calls: to people as a banner, to programs as one line of JSON.
func announce(out *render.Printer, ready host.Ready) {
	if out.Terminal && !out.Options.JSON {
		banner(out, ready)
		return
	}
	if err := out.ShowLine(ready); err != nil {
		out.Note("# %v", err) // it runs all the same
	}
}

func banner(out *render.Printer, ready host.Ready) {
	out.Note("collector %s is up", ready.ID)
	out.Note("  address      %s   Connect, gRPC, gRPC-Web, links", ready.URL)
	if ready.Console != "" {
		out.Note("  console      %s", ready.ConsoleLink())
		out.Note("               logs one browser in, within 10 minutes; collector console makes another link")
	}
	out.Note("  namespaces   %s", strings.Join(ready.Namespaces, ", "))
	if len(ready.Examples) > 0 {
		out.Note("  examples     %s", strings.Join(ready.Examples, ", "))
	}
	store := ready.Store
	if store == host.InMemory {
		store = Forgets + " (--db FILE keeps them)"
	}
	out.Note("  store        %s", store)
	for i, line := range views.LimitLines(ready.Limits) {
		label := "limits"
		if i > 0 {
			label = ""
		}
		out.Note("  %-12s %s", label, line)
	}
	for i, line := range ready.Trust {
		label := "trust"
		if i > 0 {
			label = ""
		}
		out.Note("  %-12s %s", label, line)
	}
	out.Note("look at it:    collector status -s %s", ready.URL)
	out.Note("Ctrl-C drains it, a second one kills it.")
}
