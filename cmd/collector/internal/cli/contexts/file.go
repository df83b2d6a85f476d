package contexts

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/internal/wholefile"
)

// File is the file of named collectors.
type File struct {
	Current  string             `json:"current"`
	Previous string             `json:"previous,omitempty"`
	Contexts map[string]Context `json:"contexts"`
}

// pathOf is where the named collectors are kept: $XDG_CONFIG_HOME/collector, else ~/.config/collector.
func pathOf(env func(string) string) (string, error) {
	if dir := env("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "collector", "contexts.json"), nil
	}
	home := env("HOME")
	if home == "" {
		return "", failure.Newf("neither XDG_CONFIG_HOME nor HOME is set, so there is no place for contexts")
	}
	return filepath.Join(home, ".config", "collector", "contexts.json"), nil
}

// Load reads the file, which env says the place of; none is an empty one.
func Load(env func(string) string) (*File, error) {
	file := &File{Contexts: map[string]Context{}}
	path, err := pathOf(env)
	if err != nil {
		return file, nil //nolint:nilerr // no home, no contexts
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return nil, failure.Newf("reading contexts: %v", err)
	}
	if err := json.Unmarshal(data, file); err != nil {
		return nil, failure.Newf("%s is damaged: %v", path, err).Hint("repair it or delete it: collector context add makes a new one")
	}
	return file, nil
}

// Save replaces the file whole.
func (f *File) Save(env func(string) string) error {
	path, err := pathOf(env)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(path, data); err != nil {
		return failure.Newf("saving contexts: %v", err)
	}
	return nil
}

// replaceFile writes a file that only its owner may read, whole or not at all.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return wholefile.Replace(path, 0o600, append(data, '\n'), nil)
}

// Shown is the file as it may be printed.
func (f *File) Shown() *File {
	shown := *f
	shown.Contexts = make(map[string]Context, len(f.Contexts))
	for name, saved := range f.Contexts {
		shown.Contexts[name] = saved.Shown()
	}
	return &shown
}

// Names are the names of all contexts, sorted.
func (f *File) Names() []string {
	return slices.Sorted(maps.Keys(f.Contexts))
}

// Use makes name the current context; - is the one before.
func (f *File) Use(name string) error {
	if name == "-" {
		name = f.Previous
		if name == "" {
			return failure.Usagef("there is no previous context")
		}
	}
	if _, err := f.context(name); err != nil {
		return err
	}
	if name != f.Current {
		f.Current, f.Previous = name, f.Current
	}
	return nil
}

// Remove forgets a context.
func (f *File) Remove(name string) error {
	if _, err := f.context(name); err != nil {
		return err
	}
	delete(f.Contexts, name)
	if f.Current == name {
		f.Current = ""
	}
	if f.Previous == name {
		f.Previous = ""
	}
	return nil
}

func (f *File) context(name string) (Context, error) {
	saved, ok := f.Contexts[name]
	if !ok {
		return nil, failure.Usagef("no context %q", name).Hint("collector context ls")
	}
	return saved, nil
}
