package main

import (
	"fmt"
	"strings"
)

// Test is a bad day, and what must hold of it.
type Test struct {
	Name   string
	Run    func(*Stage) ([]Figure, error)
	Bounds []Bound
}

// named tells whether a test is asked for; nothing asks for all.
func (t Test) named(only string) bool { return only == "" || only == t.Name }

// Bound is what a figure may be.
type Bound struct {
	Name  string
	Most  float64
	Least float64 // if it is not 0, the figure is the better the larger it is
	// Open is why it is known to be missed: it is printed, and not judged.
	Open string
}

// Why bounds are open: what they wait for.
const (
	races  = "HTTP/1.1 connections are closed while a request is on its way to them"
	hedges = "a call that probes a slow host waits for it"
	fills  = "that a host is full is told to the caller, and no other host is asked"
	deltas = "a catalog is announced as a whole for each change"
	tells  = "of two processes with one key neither is told, only the peer knows"
)

// tests has all of them, in the order in which they run.
func tests() []Test {
	return []Test{
		{"f1", killed, truthful("f1", Bound{Name: "f1_idempotent_failed"}, Bound{Name: "f1_other_failed_percent", Most: 0.2}, Bound{Name: "f1_lies"})},
		{"f2", stopped, truthful("f2", Bound{Name: "f2_failed", Open: races}, Bound{Name: "f2_stop_seconds", Most: 1})},
		{"f3", silent, truthful("f3", Bound{Name: "f3_idempotent_failed"}, Bound{Name: "f3_avoided_seconds", Most: 0.6})},
		{"f4", slow, truthful("f4", Bound{Name: "f4_share_percent", Most: 3}, Bound{Name: "f4_p99_ratio", Most: 3, Open: hedges})},
		{"f5", failing, truthful("f5", Bound{Name: "f5_failed_percent", Most: 0.5}, Bound{Name: "f5_failed_after_1s_percent", Most: 2})},
		{"f6", overload, truthful("f6", Bound{Name: "f6_goodput_percent", Least: 90}, Bound{Name: "f6_p99_ratio", Most: 3},
			Bound{Name: "f6_back_seconds", Most: 2}, Bound{Name: "f6_grown_mib", Most: 64})},
		{"f7", limited, truthful("f7", Bound{Name: "f7_failed", Open: fills})},
		{"f8", poor, truthful("f8", Bound{Name: "f8_failed"})},
		{"f9", away, truthful("f9", Bound{Name: "f9_final_answers"}, Bound{Name: "f9_failed_at_the_end"})},
		{"f10", churn, truthful("f10", Bound{Name: "f10_failed"}, Bound{Name: "f10_visible_p99_ms", Most: 50, Open: deltas})},
		{"f11", double, truthful("f11", Bound{Name: "f11_named_seconds", Most: 2, Open: tells}, Bound{Name: "f11_final_answers"})},
	}
}

// truthful adds the bounds that every test has.
func truthful(name string, bounds ...Bound) []Bound {
	return append(bounds, Bound{Name: name + "_wrong"}, Bound{Name: name + "_double"})
}

// witnessed tells the figures that hold on any machine: what the ledger says of truth does not depend on time.
func witnessed(name string) bool {
	return strings.HasSuffix(name, "_wrong") || strings.HasSuffix(name, "_double") || strings.HasSuffix(name, "_lies")
}

// judge says what is wrong with a figure; empty if it is within its bound, or a part. Where the machine was too busy to tell, it
// says so in the second.
func judge(t Test, f Figure) (missed, busy string) {
	for _, b := range t.Bounds {
		switch {
		case b.Name != f.Name || b.Open != "":
		case b.holds(f.Value) && f.Busy == "":
		case f.Busy != "" && !witnessed(f.Name):
			return "", fmt.Sprintf("%s is not judged, the machine is too busy: %s", f.Name, f.Busy)
		case b.holds(f.Value):
		case b.Least != 0:
			return fmt.Sprintf("%s is %.3f %s, want at least %v", f.Name, f.Value, f.Unit, b.Least), ""
		default:
			return fmt.Sprintf("%s is %.3f %s, want at most %v", f.Name, f.Value, f.Unit, b.Most), ""
		}
	}
	return "", ""
}

// opened says why a figure is not judged, and whether it would hold; empty for one that is.
func opened(t Test, f Figure) string {
	for _, b := range t.Bounds {
		switch {
		case b.Name != f.Name || b.Open == "":
		case f.Busy == "" && b.holds(f.Value):
			return "# " + f.Name + " would hold; it is open: " + b.Open
		default:
			return "# " + f.Name + " is open: " + b.Open
		}
	}
	return ""
}

func (b Bound) holds(value float64) bool {
	if b.Least != 0 {
		return value >= b.Least
	}
	return value <= b.Most
}
