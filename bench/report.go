package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// verdict is a ratio that was measured.
type verdict struct {
	ratio
	spread
}

func (o outcome) verdicts() []verdict {
	all := make([]verdict, len(o.ratios))
	for i, r := range o.ratios {
		all[i] = verdict{r, spreadOf(ratios(o.samples[r.ours], o.samples[r.theirs], r.metric))}
	}
	return all
}

func (v verdict) result() string {
	switch {
	case v.bar == bar{}:
		return "–"
	case v.bar.met(v.median):
		return "met"
	default:
		return "MISSED"
	}
}

// lines answers what a case prints on standard output. The words RATIO and FIGURE and their columns are a contract.
func (o outcome) lines() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s; other processes used %.0f %% of the machine\n", o.name, o.about, o.strangers)
	for _, v := range o.verdicts() {
		fmt.Fprintf(&b, "RATIO %s %.3f\n", v.name, v.median)
	}
	for _, c := range o.contenders {
		for _, m := range o.figures {
			fmt.Fprintf(&b, "FIGURE %s_%s_%s %s %s\n", c.name, o.name, m.name, digits(o.spread(c.name, m).median), m.unit)
		}
	}
	return b.String()
}

func (o outcome) spread(contender string, m metric) spread {
	return spreadOf(figures(o.samples[contender], m))
}

// digits keeps three significant digits of small figures and all digits of large ones.
func digits(value float64) string {
	switch {
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	default:
		return fmt.Sprintf("%.2f", value)
	}
}

// ratioRows is the table of all ratios; its first row is the heading.
func ratioRows(outcomes []outcome) [][]string {
	rows := [][]string{{"ratio", "median", "lowest", "highest", "bar", "result"}}
	for _, o := range outcomes {
		for _, v := range o.verdicts() {
			rows = append(rows, []string{
				v.name, fmt.Sprintf("%.3f", v.median), fmt.Sprintf("%.3f", v.low), fmt.Sprintf("%.3f", v.high),
				v.bar.String(), v.result(),
			})
		}
	}
	return rows
}

// figureRows is the table of all figures; its first row is the heading.
func figureRows(outcomes []outcome) [][]string {
	rows := [][]string{{"case", "contender", "figure", "median", "lowest", "highest", "unit"}}
	for _, o := range outcomes {
		for _, c := range o.contenders {
			for _, m := range o.figures {
				s := o.spread(c.name, m)
				rows = append(rows, []string{o.name, c.name, m.name, digits(s.median), digits(s.low), digits(s.high), m.unit})
			}
		}
	}
	return rows
}

// plainTable aligns rows and begins each with #, as the output contract wants of everything meant for people.
func plainTable(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, "# "+strings.Join(row, "\t"))
	}
	w.Flush()
	return b.String()
}

func markdownTable(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
	return b.String()
}
