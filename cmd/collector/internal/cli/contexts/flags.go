package contexts

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
)

// Add saves what flags say now under a name. The first context becomes the current one.
func (f *File) Add(name string, set *pflag.FlagSet) error {
	if name == "-" || name == "" {
		return failure.Usagef("%q cannot be the name of a context", name)
	}
	saved := Context{serverFlag: {set.Lookup(serverFlag).Value.String()}}
	for _, flag := range flags {
		if set.Changed(flag) {
			saved[flag] = values{set.Lookup(flag).Value.String()}
		}
	}
	if headers, _ := set.GetStringArray(HeaderFlag); len(headers) > 0 { // it is one
		saved[HeaderFlag] = headers
	}
	if err := saved.absolute(); err != nil {
		return err
	}
	f.Contexts[name] = saved
	f.Current = cmp.Or(f.Current, name)
	return nil
}

// Apply gives flags that are not set the value of a context; of the current one, if there is any, when the name is empty.
func (f *File) Apply(name string, set *pflag.FlagSet) error {
	if name = cmp.Or(name, f.Current); name == "" {
		return nil
	}
	saved, err := f.context(name)
	if err != nil {
		return err
	}
	for _, flag := range flags {
		if flag == HeaderFlag || set.Changed(flag) || slices.Contains(secretFlags, flag) && !own(set, saved) {
			continue
		}
		for _, value := range saved[flag] {
			if err := set.Set(flag, value); err != nil {
				return failure.Newf("context %s: %s: %v", name, flag, err)
			}
			envflag.From(set.Lookup(flag), "context "+name)
		}
	}
	if own(set, saved) {
		return addHeaders(set, saved[HeaderFlag])
	}
	return nil
}

// own reports whether the server that is asked is the context's. Others must not get its secrets.
func own(set *pflag.FlagSet, saved Context) bool {
	return set.Lookup(serverFlag).Value.String() == saved.First(serverFlag)
}

// addHeaders sends the headers of a context, except those that the command line has itself. They may be secrets: another
// server than the context's must not get them.
func addHeaders(set *pflag.FlagSet, saved []string) error {
	given, _ := set.GetStringArray(HeaderFlag) // it is one
	for _, header := range saved {
		same := func(other string) bool {
			return strings.EqualFold(remote.HeaderName(other), remote.HeaderName(header))
		}
		if slices.ContainsFunc(given, same) {
			continue
		}
		if err := set.Set(HeaderFlag, header); err != nil {
			return err
		}
	}
	return nil
}
