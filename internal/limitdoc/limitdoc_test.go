package limitdoc_test

import (
	"slices"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/limitdoc"
)

// checked are the packages whose tests call Check.
var checked = []string{"access", "cli", "conn", "dispatcher", "link", "observe", "registry"}

// A row that nobody answers for could say anything.
func TestEveryRowHasAnOwner(t *testing.T) {
	t.Parallel()
	rows := limitdoc.Rows(t)
	if len(rows) < 60 {
		t.Errorf("the page has %d rows: are its tables still read?", len(rows))
	}
	seen := make(map[string]bool)
	for _, row := range rows {
		if !slices.Contains(checked, row.Owner) {
			t.Errorf("%s: package %q compares no limits with the page, those that do are %v", row.Name, row.Owner, checked)
		}
		if key := row.Owner + " " + row.Name; seen[key] {
			t.Errorf("%s has two rows", row.Name)
		} else {
			seen[key] = true
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		"30 s": 30 * time.Second, "5 min": 5 * time.Minute, "2 h": 2 * time.Hour, "24 h": 24 * time.Hour,
		"7 d": 7 * 24 * time.Hour, "250 ms": 250 * time.Millisecond, "0s": time.Duration(0),
		"4 MiB": limitdoc.Bytes(4 << 20), "64 KiB": limitdoc.Bytes(64 << 10), "100 B": limitdoc.Bytes(100),
		"4096": 4096, "10 000": 10_000, "20 %": limitdoc.Percent(20),
	} {
		if got := limitdoc.Text(value); got != want {
			t.Errorf("%v is written %q, want %q", value, got, want)
		}
	}
}
