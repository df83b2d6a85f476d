package main

import (
	"testing"
)

func TestEveryContenderCompletesItsOperation(t *testing.T) {
	for _, c := range cases() {
		for _, contender := range c.contenders {
			t.Run(c.name+"/"+contender.name, func(t *testing.T) {
				l := c.load
				l.stream = min(l.stream, 100) // the race detector is slow
				b, err := startBed(t.Context(), contender, l)
				if err != nil {
					t.Fatal(err)
				}
				moved, err := b.op(t.Context())
				if want := (yield{calls: max(l.stream, 1), bytes: max(l.stream, 1) * l.size}); err != nil || moved != want {
					t.Errorf("moved %+v, %v, want %+v", moved, err, want)
				}
				if err := b.close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		}
	}
}

func TestRatiosNameContendersOfTheirCase(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, c := range cases() {
		for _, r := range c.ratios {
			if seen[r.name] {
				t.Errorf("ratio %s is there twice", r.name)
			}
			seen[r.name] = true
			for _, name := range []string{r.ours, r.theirs} {
				if _, ok := c.contender(name); !ok {
					t.Errorf("ratio %s needs contender %q, which case %s does not have", r.name, name, c.name)
				}
			}
		}
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	tests := []struct {
		bar   bar
		value float64
		met   bool
		text  string
	}{
		{atMost(0.25), 0.25, true, "≤ 0.25"},
		{atMost(0.25), 0.26, false, "≤ 0.25"},
		{atLeast(4), 4, true, "≥ 4"},
		{atLeast(4), 3.9, false, "≥ 4"},
		{bar{}, 0, true, "–"},
	}
	for _, tt := range tests {
		if got := tt.bar.met(tt.value); got != tt.met || tt.bar.String() != tt.text {
			t.Errorf("bar %v met by %v = %v, want %v, %q", tt.bar, tt.value, got, tt.met, tt.text)
		}
	}
}
