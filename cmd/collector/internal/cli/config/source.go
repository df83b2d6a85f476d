package config

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// Flag is the flag with the path of the file.
const Flag = "config"

// Source is where the settings of a command are from.
type Source struct {
	Path     string   // of the file; empty for none
	Settings Settings // in force
}

// Load reads the file that the flag [Flag] of a set names, if it does, and sets the flags for which the file has the word. It
// refuses what cannot be run, all of it at once. The environment has been read into the set before.
func Load(set *pflag.FlagSet) (*Source, error) {
	source := &Source{Path: set.Lookup(Flag).Value.String(), Settings: Of(set)}
	settings, err := source.Reload()
	if err == nil {
		err = settings.Apply(set)
	}
	source.Settings = settings
	return source, source.failure(err)
}

// Reload reads the file, if there is one. Next are the settings that it asks for; who uses them makes them those in force.
func (s *Source) Reload() (next Settings, err error) {
	next = s.Settings
	if s.Path != "" {
		file, err := Read(s.Path)
		if err != nil {
			return nil, err
		}
		next = next.With(file)
	}
	return next, next.Check()
}

// failure is why a command will not use what it is given.
func (s *Source) failure(err error) error {
	if err == nil {
		return nil
	}
	problems, ok := err.(Problems) //nolint:errorlint // it is made here
	if !ok {
		return failure.Usagef("--%s: %v", Flag, err).Hint("collector config show -o yaml > collector.yaml     # to begin with what is in force without a file")
	}
	return Refused(failure.Usagef, "the configuration cannot be used", problems)
}

// Refused is a failure with all problems: the one that there is, or what cannot be used, and a line for each.
func Refused(make func(string, ...any) *failure.Error, what string, problems Problems) *failure.Error {
	if len(problems) == 1 {
		return make("%s", problems[0])
	}
	f := make("%s: %s", what, count(len(problems)))
	for _, problem := range problems {
		f.Because(problem.String())
	}
	return f
}

func count(problems int) string {
	if problems == 1 {
		return "1 problem"
	}
	return strconv.Itoa(problems) + " problems"
}

// Short is an error on one line, for a log or a status.
func Short(err error) string {
	problems, ok := err.(Problems) //nolint:errorlint // it is made here
	if !ok || len(problems) < 2 {
		return err.Error()
	}
	return fmt.Sprintf("%s and %d more", problems[0], len(problems)-1)
}
