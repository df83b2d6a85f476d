package peerschema

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/collectiverpc/collective/internal/schema"
)

// A Comparison is small, however much two schemas differ: there is one for each pair of schemas of each method.
func TestComparisonsAreSmall(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"", "FIELD_SAME_NAME"} {
		var changes []schema.Change
		for i := range 10_000 {
			changes = append(changes, schema.Change{Rule: rule, Element: "x.In." + strings.Repeat("é", 1000+i%2)})
		}
		v := CompareChanges(changes)
		if v.Breaks != (rule != "") || len(v.Text) > maxComparison+len("…") || !utf8.ValidString(v.Text) || !strings.HasPrefix(v.Text, "x.In.") {
			t.Errorf("rule %q: breaks %v, %d bytes", rule, v.Breaks, len(v.Text))
		}
	}
	few := []schema.Change{{Element: "x.In.a"}, {Rule: "FIELD_SAME_NAME", Element: "x.In.b", Message: "is now named c"}}
	if v := CompareChanges(few); !v.Breaks || v.Text != "x.In.b is now named c (FIELD_SAME_NAME)" {
		t.Errorf("%+v: want what breaks, and that alone", v)
	}
}
