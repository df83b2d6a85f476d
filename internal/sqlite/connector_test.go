package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestConnectorRefusesOtherSettings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	good := "file:" + path + "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_foreign_keys=on"
	tests := []struct{ name, from, to, want string }{
		{"as wanted", "", "", ""},
		{"rollback journal", "WAL", "DELETE", "journal_mode is delete"},
		{"weaker sync", "FULL", "NORMAL", "synchronous is 1"},
		{"another driver's spelling", "_foreign_keys=on", "_pragma=foreign_keys(1)", "foreign_keys is 0"},
		{"impatient", "5000", "1", "busy_timeout is 1"},
	}
	for _, tt := range tests {
		conn, err := connector{dsn: strings.Replace(good, tt.from, tt.to, 1)}.Connect(t.Context())
		switch {
		case err == nil && tt.want != "":
			t.Errorf("%s: accepted, want %q", tt.name, tt.want)
		case err != nil && (tt.want == "" || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if err == nil {
			conn.Close()
		}
	}
}

func TestLibraryGate(t *testing.T) {
	t.Parallel()
	for number, ok := range map[int]bool{3_051_002: false, 3_051_003: true, 3_054_001: true, 3_040_001: false} {
		if err := checkLibrary("x", number, ""); (err == nil) != ok {
			t.Errorf("checkLibrary(%d) = %v", number, err)
		}
	}
}
