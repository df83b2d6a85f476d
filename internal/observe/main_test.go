package observe_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary runs itself again as the process that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(recordUntilKilledEnv); path != "" {
		recordUntilKilled(path)
		return
	}
	goleak.VerifyTestMain(m)
}
