package contexts_test

import (
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/contexts"
)

// flagSet has the flags of a command line.
func flagSet(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	for _, name := range []string{"server", "protocol", "cacert", "cert", "key"} {
		set.String(name, "", "")
	}
	set.Bool("insecure", false, "")
	set.Duration("timeout", 0, "")
	set.StringArray(contexts.HeaderFlag, nil, "")
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return set
}

// What is on the command line wins over a context, header by header, and another server gets no header at all.
func TestApply(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := func(name string) string { return map[string]string{"XDG_CONFIG_HOME": dir}[name] }
	file, err := contexts.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Add("east", flagSet(t, "--server", "http://east", "--timeout", "7s", "--header", "A: 1", "--header", "B: 2")); err != nil {
		t.Fatal(err)
	}
	if err := file.Save(env); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args            []string
		server, timeout string
		headers         []string
	}{
		{nil, "http://east", "7s", []string{"A: 1", "B: 2"}},
		{[]string{"--timeout", "1s", "--header", "a: own"}, "http://east", "1s", []string{"a: own", "B: 2"}},
		{[]string{"--server", "http://west"}, "http://west", "7s", nil},
	} {
		if file, err = contexts.Load(env); err != nil {
			t.Fatal(err)
		}
		set := flagSet(t, tt.args...)
		if err := file.Apply("", set); err != nil {
			t.Fatal(err)
		}
		headers, _ := set.GetStringArray(contexts.HeaderFlag)
		server, timeout := set.Lookup("server").Value.String(), set.Lookup("timeout").Value.String()
		if server != tt.server || timeout != tt.timeout || !slices.Equal(headers, tt.headers) {
			t.Errorf("%v: %s, %s, %q", tt.args, server, timeout, headers)
		}
	}
}
