// Package envflag gives flags that are not on the command line the value of an environment variable.
package envflag

import (
	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// annotation marks a flag that has a variable.
const annotation = "collector_env"

// Bind names the variable of a flag that is in the set, in the flag's help too.
func Bind(set *pflag.FlagSet, flag, variable string) {
	set.Lookup(flag).Usage += " [" + variable + "]"
	if err := set.SetAnnotation(flag, annotation, []string{variable}); err != nil {
		panic(err) // the line above would have been the first to fail
	}
}

// Variable is the variable of a flag; empty if it has none.
func Variable(flag *pflag.Flag) string {
	if names := flag.Annotations[annotation]; len(names) == 1 {
		return names[0]
	}
	return ""
}

// Apply sets the flags that are not set yet. An empty variable is as one that is not there.
func Apply(set *pflag.FlagSet, env func(string) string) error {
	var failed error
	set.VisitAll(func(flag *pflag.Flag) {
		variable := Variable(flag)
		if variable == "" || flag.Changed || failed != nil {
			return
		}
		value := env(variable)
		if value == "" {
			return
		}
		if err := set.Set(flag.Name, value); err != nil {
			failed = failure.Usagef("environment variable %s=%q: %v", variable, value, err)
		}
	})
	return failed
}
