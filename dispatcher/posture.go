package dispatcher

import (
	"log/slog"
	"maps"
	"slices"
)

// Posture is what bounds a collector and how it knows who comes: for its start, and for its status. No secrets are in it.
type Posture struct {
	// Limits are the limits in force by name, each with its unit: [Limits.Map], and those of connections and of the registry.
	Limits map[string]string
	// Links says how links are authenticated, a line each.
	Links []string
	// Callers says how callers are authenticated and which policies decide what they may do, a line each.
	Callers []string
}

// Posture is what bounds the collector and how it knows who comes, at this moment. MeshService.GetStatus answers the same.
func (d *Dispatcher) Posture() Posture {
	return Posture{Limits: limitTexts(d), Links: d.conns.Links(), Callers: d.observer.Access.Lines()}
}

// limitTexts is every limit in force.
func limitTexts(d *Dispatcher) map[string]string {
	texts := d.limits.Map()
	maps.Copy(texts, connectionTexts(d.conns.Limits()))
	if v := d.validation.current.Load(); v != nil && v.limits != nil {
		maps.Copy(texts, v.limits.LimitTexts())
	}
	return texts
}

// log tells all of it once, for programs that print nothing themselves.
func (p Posture) log(to *slog.Logger, self string) {
	to.Info("links and callers are authenticated", "collector", self, "links", p.Links, "callers", p.Callers)
	limits := make([]any, 0, len(p.Limits))
	for _, name := range slices.Sorted(maps.Keys(p.Limits)) {
		limits = append(limits, slog.String(name, p.Limits[name]))
	}
	to.Info("limits in force", "collector", self, slog.Group("limits", limits...))
}
