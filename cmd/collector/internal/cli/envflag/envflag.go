// Package envflag gives flags that are not on the command line the value of an environment variable, and remembers of each
// where its value is from.
package envflag

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// What flags are annotated with: the name of their variable, and where their value is from.
const (
	variableAnnotation = "collector_env"
	originAnnotation   = "collector_origin"
)

// Bind names the variable of a flag that is in the set, in the flag's help too.
func Bind(set *pflag.FlagSet, flag, variable string) {
	set.Lookup(flag).Usage += " [" + variable + "]"
	annotate(set.Lookup(flag), variableAnnotation, variable)
}

// BindAll gives each flag of a set that has no variable the one of its name: COLLECTOR_TLS_CERT for --tls-cert.
func BindAll(set *pflag.FlagSet) {
	set.VisitAll(func(flag *pflag.Flag) {
		if Variable(flag) == "" {
			annotate(flag, variableAnnotation, "COLLECTOR_"+strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_")))
		}
	})
}

// Variable is the variable of a flag; empty if it has none.
func Variable(flag *pflag.Flag) string { return annotation(flag, variableAnnotation) }

// From remembers where the value of a flag is from, if not from the command line.
func From(flag *pflag.Flag, origin string) { annotate(flag, originAnnotation, origin) }

// Origin is where the value of a flag is from; empty for the command line, and for the default.
func Origin(flag *pflag.Flag) string { return annotation(flag, originAnnotation) }

func annotate(flag *pflag.Flag, key, value string) {
	if flag.Annotations == nil {
		flag.Annotations = make(map[string][]string)
	}
	flag.Annotations[key] = []string{value}
}

func annotation(flag *pflag.Flag, key string) string {
	if values := flag.Annotations[key]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// Apply sets the flags that are not set yet, and says all that is wrong with their variables. An empty variable is as one that
// is not there.
func Apply(set *pflag.FlagSet, env func(string) string) error {
	var problems []error
	set.VisitAll(func(flag *pflag.Flag) {
		variable := Variable(flag)
		if variable == "" || flag.Changed || env(variable) == "" {
			return
		}
		if err := set.Set(flag.Name, env(variable)); err != nil {
			problems = append(problems, fmt.Errorf("environment variable %s=%q: %w", variable, env(variable), err))
			return
		}
		From(flag, variable)
	})
	if len(problems) > 0 {
		return failure.Usagef("%s", strings.ReplaceAll(errors.Join(problems...).Error(), "\n", "; "))
	}
	return nil
}
