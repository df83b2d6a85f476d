package name_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/name"
)

func TestCheckID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in string
		ok bool
	}{
		{"a", true},
		{"0", true},
		{"collector-1", true},
		{"eu.west-2.c3", true},
		{"a--b", true},
		{"system", true}, // reserved is not invalid
		{strings.Repeat("a", 63), true},
		{strings.Repeat("a", 64), false},
		{"", false},
		{"-a", false},
		{"a-", false},
		{".a", false},
		{"a.", false},
		{"Users", true}, // the seed has no rule for names, and these are what its users write
		{"a_b", true},
		{"_Users_PROD_", true},
		{"Collector-1.EU_west", true},
		{"A-", false},
		{".A", false},
		{"@a", false},
		{"[", false},
		{"a`b", false},
		{"a b", false},
		{"a\x00b", false},
		{"a\n", false},
		{"system/connections", false},
		{"../etc", false},
		{"ä", false},
		{"\xff", false},
	}
	for _, tt := range tests {
		for kind, check := range map[string]func(string) error{
			"collector id": name.CheckCollectorID,
			"namespace":    name.CheckNamespace,
		} {
			err := check(tt.in)
			if (err == nil) != tt.ok {
				t.Errorf("%s %q: %v, want ok=%v", kind, tt.in, err, tt.ok)
			}
			if err != nil && (!errors.Is(err, name.ErrInvalid) || !strings.Contains(err.Error(), kind)) {
				t.Errorf("%s %q: error %q does not say what is wrong", kind, tt.in, err)
			}
		}
	}
}

func TestCheckIDShortensForeignText(t *testing.T) {
	t.Parallel()
	if got := len(name.CheckNamespace(strings.Repeat("X\x1b", 5000)).Error()); got > 600 {
		t.Errorf("error of %d bytes for a name of 10000", got)
	}
}

func TestReserved(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"system":             true,
		"system.registry":    true,
		"system-x":           true,
		"system/connections": true,
		"system_x":           true,
		"System":             true,
		"SYSTEM.registry":    true,
		"Systems":            false,
		"syste":              false,
		"systems":            false,
		"users":              false,
		"users.system":       false,
		"":                   false,
	} {
		if got := name.Reserved(in); got != want {
			t.Errorf("Reserved(%q) = %v", in, got)
		}
	}
}
