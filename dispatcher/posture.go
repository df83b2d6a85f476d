package dispatcher

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/internal/watch"
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

// meshSecrets opens the file of the mesh secrets; nil for none. From then on it is among the options of connections.
func (o *options) meshSecrets(log *slog.Logger) (*conn.MeshSecrets, error) {
	if o.secretFile == "" {
		return nil, nil //nolint:nilnil // there is no file
	}
	secrets, err := conn.OpenMeshSecrets(o.secretFile, log)
	if err != nil {
		return nil, fmt.Errorf("WithMeshSecretFile: %w", err)
	}
	o.conn = append(o.conn, conn.WithMeshSecret(secrets.Secrets))
	o.warnings = append(o.warnings, secrets.Warnings)
	return secrets, nil
}

// follow has what was read from files read again whenever they change, until stop is called: what the guard judges by, and the
// mesh secrets. The guard reads once now, since its files may have changed after it was made. Each logs what it could not use.
func follow(guard *access.Guard, secretFile string, secrets *conn.MeshSecrets) (stop func()) {
	stopGuard := followFiles(guard.Files(), func() { _ = guard.Reload() })
	if secrets == nil {
		return stopGuard
	}
	stopSecrets := followFiles([]string{secretFile}, func() { secrets.Secrets() })
	return func() { stopGuard(); stopSecrets() }
}

// followFiles calls read now and whenever files change. Without files it does nothing.
func followFiles(files []string, read func()) (stop func()) {
	if len(files) == 0 {
		return func() {}
	}
	stop = watch.Files(context.Background(), files, read)
	read()
	return stop
}
