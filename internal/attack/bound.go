package main

import "fmt"

// Bound is what must hold of the figure of an attack.
type Bound struct {
	Name  string
	Unit  string
	Most  float64
	Exact bool // the figure must be Most
	Open  bool // no quiet machine has shown yet that it always holds: it is printed, and not judged
	Waits bool // it measures no processor time and mostly waits: it runs beside others of that kind
	Run   func(*Stage) ([]Figure, error)
}

// bounds has every attack, in the order in which they are printed, those that mostly wait before the others.
func bounds() []Bound {
	return []Bound{
		{Name: "gzip_ratio_refused", Unit: "count", Most: 1, Exact: true, Waits: true, Run: gzipRatio},
		{Name: "poison_start", Unit: "count", Most: 1, Exact: true, Waits: true, Run: poisonStart},
		{Name: "proxy_admin", Unit: "count", Most: 0, Exact: true, Waits: true, Run: proxyAdmin},
		{Name: "takeover_calls", Unit: "calls", Most: 0, Exact: true, Waits: true, Run: takeover},
		{Name: "auth_leaked", Unit: "headers", Most: 0, Exact: true, Waits: true, Run: authLeaked},
		{Name: "goodbye_severed", Unit: "links", Most: 0, Exact: true, Waits: true, Run: goodbye},
		{Name: "lockout_wait", Unit: "s", Most: 1, Run: lockout},
		{Name: "stuck_closed", Unit: "s", Most: 15, Waits: true, Run: stuck},
		{Name: "h2_flood_cpu", Unit: "cores", Most: 0.2, Run: floods},
		{Name: "h2_flood_ended", Unit: "s", Most: 10, Run: nil},                            // a figure of the attack above
		{Name: "h2_flood_others_p99_ratio", Unit: "ratio", Most: 10, Open: true, Run: nil}, // a figure of the attack above
		{Name: "unproven_bytes", Unit: "bytes", Most: 64<<10 + 1<<20, Run: unproven},
		{Name: "held_bytes", Unit: "bytes", Most: 80 << 20, Run: held},
		{Name: "mute_delay", Unit: "s", Most: 5, Waits: true, Run: mute},
		{Name: "catalog_p99_ratio", Unit: "ratio", Most: 2, Open: true, Run: catalogs},
		{Name: "catalog_cpu", Unit: "cores", Most: 0.2, Open: true, Run: nil}, // a figure of the attack above
		{Name: "catalog_rss", Unit: "bytes", Most: 512 << 20, Run: nil},       // a figure of the attack above
	}
}

// judge answers what is wrong with a figure; empty if it is within its bound, or a part.
func judge(f Figure) string {
	for _, b := range bounds() {
		switch {
		case b.Name != f.Name || f.Busy != "" || b.Open:
		case b.Exact && f.Value != b.Most:
			return fmt.Sprintf("%s is %v %s, want %v", f.Name, f.Value, f.Unit, b.Most)
		case !b.Exact && f.Value > b.Most:
			return fmt.Sprintf("%s is %v %s, want at most %v", f.Name, f.Value, f.Unit, b.Most)
		}
	}
	return ""
}
