package sqlite_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary runs itself again as the process that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(writeUntilKilledEnv); path != "" {
		writeUntilKilled(path)
		return
	}
	goleak.VerifyTestMain(m)
}
