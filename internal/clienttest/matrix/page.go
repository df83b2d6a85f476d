package main

import (
	"fmt"
	"slices"
	"strings"
)

// page is the document with what was measured. It has no times and no versions of Debian's, so that it changes only
// when an answer does.
func (r report) page() string {
	var b strings.Builder
	b.WriteString("<!-- Written by `make clients UPDATE=1`; do not edit. -->\n# Clients and proxies that others wrote\n\n" +
		"`make clients` runs each client below against two linked collectors, of which only one has the service, and asks the same of\n" +
		"all of them. ✓ holds, — cannot exist or is not tried ([why](#why-not)).\n\n")
	r.legend(&b)
	for _, w := range r.ways {
		r.table(&b, w)
	}
	r.lineTable(&b)
	excuses(&b, r.ways)
	return b.String()
}

func (r report) legend(b *strings.Builder) {
	b.WriteString("| asked | what has to happen |\n|---|---|\n")
	for _, c := range cells {
		fmt.Fprintf(b, "| %s | %s |\n", c.cell, c.about)
	}
	b.WriteString("\n| client | |\n|---|---|\n")
	for _, c := range clients {
		fmt.Fprintf(b, "| %s | %s |\n", c.name, c.about)
	}
}

// titles say how a client comes to the method.
func title(w way) string {
	switch {
	case w.proxy != nil:
		return "Routed, through " + w.name + "\n\n" + w.proxy.about + ", with TLS, as [proxies.md](proxies.md) has it."
	case w.name == "direct":
		return "Direct\n\nThe collector that is asked has the service."
	}
	return "Routed\n\nAnother collector is asked."
}

func (r report) table(b *strings.Builder, w way) {
	fmt.Fprintf(b, "\n## %s\n\n| |", title(w))
	for _, c := range cells {
		fmt.Fprintf(b, " %s |", c.cell)
	}
	b.WriteString("\n|---|" + strings.Repeat(":-:|", len(cells)) + "\n")
	for _, c := range clients {
		row, _ := r.at(c, w)
		fmt.Fprintf(b, "| %s |", c.name)
		for _, each := range cells {
			fmt.Fprintf(b, " %s |", sign(row.found, each.cell))
		}
		b.WriteString("\n")
	}
}

func (r report) lineTable(b *strings.Builder) {
	b.WriteString("\n## Links and the console\n\n| |")
	for _, l := range r.lines {
		fmt.Fprintf(b, " %s |", l.way.name)
	}
	b.WriteString(" what has to happen |\n|---|" + strings.Repeat(":-:|", len(r.lines)) + "---|\n")
	for _, c := range carried {
		fmt.Fprintf(b, "| %s |", c.cell)
		for _, l := range r.lines {
			fmt.Fprintf(b, " %s |", sign(l.found, c.cell))
		}
		fmt.Fprintf(b, " %s |\n", c.about)
	}
}

// excuses say for each — why it is there.
func excuses(b *strings.Builder, ways []way) {
	b.WriteString("\n## Why not\n\n")
	for _, c := range clients {
		for _, each := range cells {
			if reason := c.cannot[each.cell]; reason != "" {
				fmt.Fprintf(b, "- %s, %s: %s\n", c.name, each.cell, reason)
			}
		}
	}
	for _, each := range cells {
		var names []string
		for _, w := range ways {
			if w.proxy.excuse(each.cell) != "" {
				names = append(names, w.name)
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			fmt.Fprintf(b, "- %s, %s: %s\n", strings.Join(names, ", "), each.cell, proxies[0].excuse(each.cell))
		}
	}
}
