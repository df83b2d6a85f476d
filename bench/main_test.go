package main

import (
	"regexp"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPatternPicksCasesByNameOrRatio(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		want    bool
	}{
		{"", true},
		{"^unary_c64$", true},
		{"cpu_vs_nats", true},
		{"bulk", false},
	}
	c := unaryCases()[0]
	for _, tt := range tests {
		if got := c.matches(regexp.MustCompile(tt.pattern)); got != tt.want {
			t.Errorf("%q matches %s: %v, want %v", tt.pattern, c.name, got, tt.want)
		}
	}
}
