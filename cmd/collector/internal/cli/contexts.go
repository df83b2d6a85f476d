package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// savedContext is a named collector. The keys are the names of the flags that it gives a value.
type savedContext map[string]flagValues

// contextFlags are the flags that a context may hold.
var contextFlags = []string{"server", "protocol", "cacert", "cert", "key", "insecure", "timeout", headerFlag}

// headerFlag is the flag that has many values.
const headerFlag = "header"

// flagValues are the values of a flag: one but for headers.
type flagValues []string

// MarshalJSON writes a single value as what it is.
func (v flagValues) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

// UnmarshalJSON reads a value or a list of them.
func (v *flagValues) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*v = flagValues{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(v))
}

// first is the value of a flag that has one; empty if it is not saved.
func (c savedContext) first(flag string) string {
	if values := c[flag]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// shown is the context without the values of headers, which may be secret.
func (c savedContext) shown() savedContext {
	shown := maps.Clone(c)
	if headers, ok := c[headerFlag]; ok {
		shown[headerFlag] = nil
		for _, header := range headers {
			shown[headerFlag] = append(shown[headerFlag], headerName(header)+": (hidden)")
		}
	}
	return shown
}

func headerName(header string) string {
	name, _, _ := strings.Cut(header, ":")
	return strings.TrimSpace(name)
}

// contextFile is the file of named collectors.
type contextFile struct {
	Current  string                  `json:"current"`
	Previous string                  `json:"previous,omitempty"`
	Contexts map[string]savedContext `json:"contexts"`
}

// contextPath is where the named collectors are kept: $XDG_CONFIG_HOME/collector, else ~/.config/collector.
func (a *app) contextPath() (string, error) {
	if dir := a.io.Env("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "collector", "contexts.json"), nil
	}
	home := a.io.Env("HOME")
	if home == "" {
		return "", failuref("neither XDG_CONFIG_HOME nor HOME is set, so there is no place for contexts")
	}
	return filepath.Join(home, ".config", "collector", "contexts.json"), nil
}

// loadContexts reads the file; none is an empty one.
func (a *app) loadContexts() (*contextFile, error) {
	file := &contextFile{Contexts: map[string]savedContext{}}
	path, err := a.contextPath()
	if err != nil {
		return file, nil //nolint:nilerr // no home, no contexts
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return nil, failuref("reading contexts: %v", err)
	}
	if err := json.Unmarshal(data, file); err != nil {
		return nil, failuref("%s is damaged: %v", path, err).hint("repair it or delete it: collector context add makes a new one")
	}
	return file, nil
}

// saveContexts replaces the file whole.
func (a *app) saveContexts(file *contextFile) error {
	path, err := a.contextPath()
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(path, data); err != nil {
		return failuref("saving contexts: %v", err)
	}
	return nil
}

// replaceFile writes a file that only its owner may read, whole or not at all.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".contexts-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(append(data, '\n'))
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// applyContext gives flags that neither the command line nor the environment set the value of the context in force.
func (a *app) applyContext(set *pflag.FlagSet) error {
	file, err := a.loadContexts()
	if err != nil {
		return err
	}
	name := a.flags.context
	if name == "" {
		name = file.Current
	}
	if name == "" {
		return nil
	}
	saved, ok := file.Contexts[name]
	if !ok {
		return usagef("no context %q", name).hint("collector context ls")
	}
	for _, flag := range contextFlags {
		if flag == headerFlag || set.Changed(flag) {
			continue
		}
		for _, value := range saved[flag] {
			if err := set.Set(flag, value); err != nil {
				return failuref("context %s: %s: %v", name, flag, err)
			}
		}
	}
	if a.flags.server == saved.first("server") {
		a.addContextHeaders(saved[headerFlag])
	}
	return nil
}

// addContextHeaders sends the headers of a context, except those that the command line has itself. They may be secrets:
// another server than the context's must not get them.
func (a *app) addContextHeaders(saved []string) {
	given := slices.Clone(a.flags.headers)
	for _, header := range saved {
		same := func(other string) bool { return strings.EqualFold(headerName(other), headerName(header)) }
		if !slices.ContainsFunc(given, same) {
			a.flags.headers = append(a.flags.headers, header)
		}
	}
}

// shown is the file as it may be printed.
func (f *contextFile) shown() *contextFile {
	shown := *f
	shown.Contexts = make(map[string]savedContext, len(f.Contexts))
	for name, saved := range f.Contexts {
		shown.Contexts[name] = saved.shown()
	}
	return &shown
}

func (f *contextFile) names() []string {
	names := make([]string, 0, len(f.Contexts))
	for name := range f.Contexts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// use makes name the current context; - is the one before.
func (f *contextFile) use(name string) error {
	if name == "-" {
		name = f.Previous
		if name == "" {
			return usagef("there is no previous context")
		}
	}
	if _, ok := f.Contexts[name]; !ok {
		return usagef("no context %q", name).hint("collector context ls")
	}
	if name != f.Current {
		f.Current, f.Previous = name, f.Current
	}
	return nil
}
