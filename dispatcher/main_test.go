package dispatcher_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary runs itself again as the program that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(tenLinesEnv); path != "" {
		tenLines(path, os.Getenv(tenLinesJoinEnv))
		return
	}
	goleak.VerifyTestMain(m)
}
