package access

import (
	"errors"
	"log/slog"
	"slices"
)

// Lines say how callers are authenticated and which policies are in force, for start-up and status.
func (g *Guard) Lines() []string {
	var lines []string
	for _, authenticator := range g.authenticators {
		if describer, ok := authenticator.(Describer); ok {
			lines = append(lines, describer.Lines()...)
		}
	}
	if len(lines) == 0 && len(g.authenticators) == 0 {
		lines = append(lines, "callers: all are anonymous, no credentials are believed")
	}
	return append(lines, g.policies.line())
}

// Troubles are what is wrong now with the policy file and with what authenticators judge by, a sentence each: what was read
// before stays in force meanwhile. None while all is well. A collector has them among the warnings of its status.
func (g *Guard) Troubles() []string {
	troubles := g.policies.troubles()
	for _, authenticator := range g.authenticators {
		if troubled, ok := authenticator.(Troubled); ok {
			troubles = append(troubles, troubled.Troubles()...)
		}
	}
	return troubles
}

// Files are the paths that are worth watching: the policy file and those of authenticators. [Guard.Reload] is for when one
// of them changed. A collector does both for the guard that it is given.
func (g *Guard) Files() []string {
	var files []string
	if g.policies.source.path != "" {
		files = append(files, g.policies.source.path)
	}
	for _, reloader := range g.reloaders() {
		files = append(files, reloader.Files()...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// Reload reads the policy file and those of authenticators again. Decisions that are remembered are forgotten. What cannot be
// used keeps what was in force before, is logged, and is named by [Guard.Lines] and [Guard.Troubles] until it can: the error
// has all of it.
func (g *Guard) Reload() error {
	defer g.revision.Add(1)
	failures := []error{g.policies.reload()}
	for _, reloader := range g.reloaders() {
		err := reloader.Reload()
		if err != nil {
			g.log.Error("credentials cannot be read again: those from before stay in force", slog.Any("error", err))
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

func (g *Guard) reloaders() []Reloader {
	var found []Reloader
	for _, authenticator := range g.authenticators {
		if reloader, ok := authenticator.(Reloader); ok {
			found = append(found, reloader)
		}
	}
	return found
}

// Authenticates reports whether a caller could show credentials that are believed.
func (g *Guard) Authenticates() bool { return len(g.authenticators) > 0 }

// Revision grows with each [Guard.Reload]: what follows from decisions or principals is to be made anew.
func (g *Guard) Revision() uint64 { return g.revision.Load() }
