package main

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// named finds a figure with its bound on the page: `name` ≤ value, and (open) if nothing judges it.
var named = regexp.MustCompile("`(f[0-9]+_[a-z0-9_]+)` (≤|≥) ([0-9.]+)( \\(open\\))?")

// The page has the bounds that are judged, each once, and no other.
func TestPageHasTheBounds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/resilience.md")
	if err != nil {
		t.Fatal(err)
	}
	onPage := make(map[string]string)
	for _, match := range named.FindAllStringSubmatch(string(text), -1) {
		if onPage[match[1]] != "" {
			t.Errorf("docs/resilience.md has %s twice", match[1])
		}
		onPage[match[1]] = match[2] + " " + match[3] + match[4]
	}
	for _, day := range tests() {
		for _, b := range day.Bounds {
			if b.Name == day.Name+"_wrong" || b.Name == day.Name+"_double" {
				continue // the page has one sentence for all of them
			}
			if want := written(b); onPage[b.Name] != want {
				t.Errorf("docs/resilience.md says %q of %s, the rig %q: write `%s` %s", onPage[b.Name], b.Name, want, b.Name, want)
			}
			delete(onPage, b.Name)
		}
	}
	for name := range onPage {
		t.Errorf("docs/resilience.md has %s, which is no bound", name)
	}
}

// written is how the page writes a bound.
func written(b Bound) string {
	text := "≤ " + strconv.FormatFloat(b.Most, 'f', -1, 64)
	if b.Least != 0 {
		text = "≥ " + strconv.FormatFloat(b.Least, 'f', -1, 64)
	}
	if b.Open != "" {
		text += " (open)"
	}
	return text
}
