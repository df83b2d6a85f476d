package main

import (
	"context"
	"errors"
	"fmt"
)

// row is what one client answered on one way.
type row struct {
	client client
	way    way
	found  map[cell]string // what is wrong, by cell; empty if it holds
	end    string          // how the client ended, if that was not well
}

// report is what was measured.
type report struct {
	ways  []way
	rows  []row
	lines []line
}

// measure asks every client on every way, and then what else goes through proxies.
func (r *rig) measure(ctx context.Context, only string) (report, error) {
	measured := report{ways: r.ways}
	for _, c := range clients {
		for _, w := range r.ways {
			if !matches(only, c.name+" via "+w.name) {
				continue
			}
			row := newRow(c, w, c.ask(ctx, r, w))
			row.print()
			measured.rows = append(measured.rows, row)
		}
	}
	lines, err := r.measureLines(ctx, only)
	measured.lines = lines
	return measured, errors.Join(err, ctx.Err())
}

// newRow sorts results by cell. A cell that has to be there and is not has failed.
func newRow(c client, w way, results []result) row {
	r := row{client: c, way: w, found: make(map[cell]string)}
	answered := make(map[cell]result)
	for _, result := range results {
		if result.Cell == "" {
			r.end = result.Problem
		}
		answered[result.Cell] = result
	}
	for _, each := range cells {
		if c.excuse(each.cell, w) != "" {
			continue
		}
		r.found[each.cell] = ""
		if got, ok := answered[each.cell]; !ok {
			r.found[each.cell] = "the client ended before it"
		} else if got.Problem != "" {
			r.found[each.cell] = got.Problem
		}
	}
	return r
}

func (r row) passed() int { return passed(r.found) }

// print says how many cells hold, and why the others do not.
func (r row) print() {
	fmt.Printf("CLIENT %s via %s %d/%d\n", r.client.name, r.way.name, r.passed(), len(r.found))
	for _, c := range cells {
		if problem := r.found[c.cell]; problem != "" {
			fmt.Printf("  %s: %s\n", c.cell, problem)
		}
	}
	if r.end != "" {
		fmt.Println("  its end:", r.end)
	}
}

// failure is an error if anything does not hold.
func (r report) failure() error {
	held, total := 0, 0
	for _, row := range r.rows {
		held, total = held+row.passed(), total+len(row.found)
	}
	for _, line := range r.lines {
		held, total = held+line.passed(), total+len(line.found)
	}
	fmt.Printf("%d passed, %d failed\n", held, total-held)
	if held < total {
		return fmt.Errorf("%d of %d cells do not hold", total-held, total)
	}
	return nil
}

// at finds a row.
func (r report) at(c client, w way) (row, bool) {
	for _, row := range r.rows {
		if row.client.name == c.name && row.way.name == w.name {
			return row, true
		}
	}
	return row{}, false
}

// sign is what a cell of a table shows.
func sign(found map[cell]string, c cell) string {
	problem, asked := found[c]
	switch {
	case !asked:
		return "—"
	case problem != "":
		return "✗"
	}
	return "✓"
}
