package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/serve"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/internal/limitdoc"
)

// pageFlags are the flags that docs/limits.md may name, by their command.
func pageFlags() map[string]*pflag.FlagSet {
	sets := map[string]*pflag.FlagSet{"collector": new(pflag.FlagSet), "serve": new(pflag.FlagSet)}
	newSettings(terminal.Streams{}).add(sets["collector"])
	new(serve.Flags).Add(sets["serve"])
	return sets
}

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	sets := pageFlags()
	duration := func(command, flag string) time.Duration {
		value, err := sets[command].GetDuration(flag)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	history, err := sets["serve"].GetInt("history")
	if err != nil {
		t.Fatal(err)
	}
	limitdoc.Check(t, "cli", map[string]any{
		"collector --timeout": duration("collector", "timeout"),
		"serve --grace":       duration("serve", "grace"),
		"serve --history":     history,
		"serve --history-age": duration("serve", "history-age"),
	})
}

// A flag that the page names beside a field is there too.
func TestLimitsPageNamesFlagsThatExist(t *testing.T) {
	t.Parallel()
	sets := pageFlags()
	for _, row := range limitdoc.Rows(t) {
		for _, code := range row.Code {
			command, flag, isFlag := strings.Cut(code, " --")
			if !isFlag {
				continue
			}
			if set := sets[command]; set == nil || set.Lookup(flag) == nil {
				t.Errorf("docs/limits.md: %s: there is no flag %s", row.Name, code)
			}
		}
	}
}
