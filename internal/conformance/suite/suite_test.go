package suite

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		report string
		want   counts
		ok     bool
	}{
		"all passed": {"Total cases: 3640\n3640 passed, 0 failed\n", counts{total: 3640, passed: 3640}, true},
		"some failed": {
			"FAILED: a/b:\n\tTotal cases: 1\n\nTotal cases: 3640\n3600 passed, 30 failed\n(Another 10 failed as expected due to being known failures/flakes.)\n",
			counts{total: 3640, passed: 3600, known: 10}, true,
		},
		"some did not run": {"Total cases: 12\n10 passed, 0 failed\nAnother 2 could not be run due to client timing out or exiting prematurely.\n", counts{total: 12, passed: 10}, true},
		"nothing":          {"could not start the client\n", counts{}, false},
	}
	for name, tt := range tests {
		if got, ok := parse(tt.report); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %v %v, want %v %v", name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	r := run{title: "conformance local", yardstick: "# plain"}
	tests := map[string]struct {
		counted counts
		good    bool
	}{
		"as connect-go":       {counts{10, 10, 0, true}, true},
		"known ones failed":   {counts{10, 8, 2, true}, true},
		"one failed":          {counts{10, 9, 0, false}, false},
		"fewer cases":         {counts{9, 9, 0, true}, false},
		"cases did not run":   {counts{10, 10, 0, false}, false},
		"known ones and more": {counts{10, 7, 2, false}, false},
	}
	for name, tt := range tests {
		if err := r.judge(tt.counted, map[string]int{"# plain": 10}); (err == nil) != tt.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
