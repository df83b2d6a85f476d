package access_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/access"
)

var (
	cedarBlock = regexp.MustCompile("(?ms)^```cedar\n(.*?)^```$")
	expected   = regexp.MustCompile(`(?m)^// (allowed|denied): (\S+)(?: via (\S+))? (\w+)(?: (\S+))?(?: (\S+))?$`)
)

// Every policy of the page can be used, and decides as the lines below it say.
func TestPoliciesOfThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, lines := cedarBlock.FindAllStringSubmatch(string(page), -1), 0
	for _, block := range blocks {
		g := guard(t, access.WithPolicies("docs/policies.md", []byte(block[1])))
		said := expected.FindAllStringSubmatch(block[1], -1)
		if len(said) == 0 || len(said) != strings.Count(block[1], "\n// ") {
			t.Errorf("this block does not say what it allows, or in other words than the test reads:\n%s", block[1])
		}
		for _, line := range said {
			lines++
			d := g.Decide(callerOf(t, line[2], line[3]), actionOf(t, line[4]), resourceOf(line[5], line[6]))
			if d.Allowed != (line[1] == "allowed") {
				t.Errorf("%s\n%s%s", line[0], block[1], d.Reason)
			}
		}
	}
	if len(blocks) < 12 || lines < 20 {
		t.Errorf("%d blocks with %d lines: the test does not find them any more", len(blocks), lines)
	}
}

func callerOf(t *testing.T, text, via string) *access.Caller {
	t.Helper()
	o := access.Origin{Network: access.NetworkRemote, Entrance: "native", Via: via}
	kind, rest, known := strings.Cut(text, "::")
	if !known {
		return access.NewCaller(access.Nobody, o)
	}
	parts := strings.Split(rest, ",")
	return access.NewCaller(principal(t, access.Kind(kind), parts[0], parts[1:]...), o)
}

func actionOf(t *testing.T, word string) access.Action {
	t.Helper()
	for _, a := range access.Actions() {
		if a.String() == word {
			return a
		}
	}
	t.Fatalf("no action %q", word)
	return 0
}

func resourceOf(namespace, method string) access.Resource {
	if method != "" {
		method = "/" + method
	}
	return access.Resource{Namespace: namespace, Procedure: method}
}
